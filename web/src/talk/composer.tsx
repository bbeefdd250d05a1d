// The field a person writes in. What is in it is kept until it is sent; Enter sends, unless an input
// method is still composing a character.
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useGateway } from "../frame/context.ts";
import { Icon } from "../frame/icon.tsx";
import { t } from "../i18n.ts";
import { draft, write } from "../store/drafts.ts";

/** Pixels the field grows to before it scrolls. */
const TALLEST = 240;

export function Composer({ sessionKey, onStop }: { sessionKey: string; onStop?(): void }): VNode {
  const { outbox } = useGateway();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft(sessionKey).value;
  useLayoutEffect(() => fit(field.current), [text]);
  const send = () => {
    const words = draft(sessionKey).value.trim();
    if (!words) return;
    outbox.add(sessionKey, words);
    write(sessionKey, "");
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <textarea
        ref={field}
        rows={1}
        value={text}
        placeholder={t("write")}
        aria-label={t("write")}
        title={t("sendHint")}
        enterkeyhint="send"
        onInput={(event) => write(sessionKey, event.currentTarget.value)}
        onKeyDown={press}
      />
      {onStop && (
        <button type="button" class="square stop" title={t("stop")} aria-label={t("stop")} onClick={onStop}>
          <Icon name="stop" />
        </button>
      )}
      <button type="submit" class="square main" title={t("send")} aria-label={t("send")} disabled={!text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}

function fit(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = "auto";
  field.style.height = `${Math.min(TALLEST, field.scrollHeight)}px`;
}
