// A button that copies a text and says that it did; also on plain http, where browsers offer no clipboard.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n.ts";

const SHOWN = 1_500;

export function CopyButton({ text, label = t("copy") }: { text: string; label?: string }): VNode {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await toClipboard(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{copied ? t("copied") : label}</span>
    </button>
  );
}

async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text).catch(() => bySelection(text));
  } else {
    bySelection(text);
  }
}

function bySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
