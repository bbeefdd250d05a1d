// What was said, from top to bottom. It stays at the end while new words come, unless the person has
// scrolled away to read; then nothing moves under their eyes.
import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../frame/icon.tsx";
import { t } from "../i18n.ts";
import type { Conversation } from "../store/conversation.ts";
import type { Item } from "../store/thread.ts";
import { Answer, Outgoing, Said, Thinking } from "./message.tsx";

interface Props {
  conversation: Conversation;
  items: Item[];
  /** A turn is under way or about to be. */
  waiting: boolean;
}

/** Pixels from the end that still count as being at the end. */
const NEAR = 48;

export function Thread({ conversation, items, waiting }: Props): VNode {
  const { scroller, content, atEnd, toEnd, holdPlace } = useStickyEnd();
  const own = items.findLast((item) => item.kind === "outgoing")?.key;
  useLayoutEffect(() => {
    if (own) toEnd();
  }, [own]);
  const speaks = items.some((item) => item.kind === "live");
  return (
    <div class="thread" ref={scroller} tabIndex={-1}>
      <div class="content" ref={content}>
        {conversation.hasMore.value && <Earlier conversation={conversation} holdPlace={holdPlace} />}
        {items.length === 0 && conversation.loaded.value && <p class="empty">{t("emptyConversation")}</p>}
        <ol>{items.map((item) => <li key={item.key} class={sideOf(item)}>{draw(item, conversation.key)}</li>)}</ol>
        {waiting && !speaks && <Thinking />}
      </div>
      {!atEnd && (
        <button type="button" class="latest" onClick={toEnd} aria-label={t("toLatest")} title={t("toLatest")}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

function sideOf(item: Item): string {
  return item.kind === "said" || item.kind === "outgoing" ? "said" : "answer";
}

function draw(item: Item, sessionKey: string): VNode {
  switch (item.kind) {
    case "said":
      return <Said entry={item.entry} answered={item.answered} sessionKey={sessionKey} />;
    case "outgoing":
      return <Outgoing message={item.outgoing} />;
    case "answer":
      return <Answer entry={item.entry} />;
    case "live":
      return <Answer run={item.run} />;
  }
}

function Earlier({ conversation, holdPlace }: { conversation: Conversation; holdPlace(): void }): VNode {
  const [busy, setBusy] = useState(false);
  const load = () => {
    setBusy(true);
    holdPlace();
    conversation.loadEarlier().catch(() => {}).finally(() => setBusy(false));
  };
  return <button type="button" class="quiet earlier" disabled={busy} onClick={load}>{t("earlier")}</button>;
}

function useStickyEnd() {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const sticks = useRef(true);
  /** The distance from the end to keep while earlier messages come in above. */
  const held = useRef<number | undefined>(undefined);
  const toEnd = () => {
    sticks.current = true;
    setAtEnd(true);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  const holdPlace = () => {
    const box = scroller.current;
    if (box) held.current = box.scrollHeight - box.scrollTop;
  };
  useLayoutEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return undefined;
    const resized = () => {
      if (held.current !== undefined) box.scrollTop = box.scrollHeight - held.current;
      else if (sticks.current) box.scrollTop = box.scrollHeight;
      held.current = undefined;
    };
    const scrolled = () => {
      sticks.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
      setAtEnd(sticks.current);
    };
    const sizes = new ResizeObserver(resized);
    sizes.observe(inner);
    sizes.observe(box);
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      sizes.disconnect();
      box.removeEventListener("scroll", scrolled);
    };
  }, []);
  return { scroller, content, atEnd, toEnd, holdPlace };
}
