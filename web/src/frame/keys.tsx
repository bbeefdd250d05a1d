// The keyboard: which keys do what everywhere, and the list of them. Keys typed into a field stay there.
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n.ts";
import type { Messages } from "../messages/en.ts";
import { Icon } from "./icon.tsx";

const shown = signal(false);

/** What each key does, in the order of the list. */
const KEYS: [keys: string[], does: keyof Messages][] = [
  [["/"], "keySearch"],
  [["j", "k"], "keyMove"],
  [["Enter"], "keyOpen"],
  [["n"], "keyNew"],
  [["w"], "keyWrite"],
  [["1", "2"], "keyPlace"],
  [["Esc"], "keyBack"],
  [["?"], "keyAll"],
];

export function showKeys(): void {
  shown.value = true;
}

/** Calls the place's own function for a key that was pressed outside a field, or for Escape anywhere. */
export function useKeys(keys: Record<string, () => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog[open]")) return;
      if (isField(event.target) && event.key !== "Escape") return;
      const act = event.key === "?" ? showKeys : latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

export function KeysDialog(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = shown.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" onClose={() => { shown.value = false; }}>
      <header>
        <h2 id="keys-title">{t("keys")}</h2>
        <button type="button" class="square" aria-label={t("close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl class="keys">
        {KEYS.map(([keys, does]) => (
          <div key={does}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">{t("sendHint")}</p>
    </dialog>
  );
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
