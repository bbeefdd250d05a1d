// A question that has to be answered before something is lost.
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n.ts";

interface Props {
  question: string;
  yes: string;
  onYes(): void;
  onClose(): void;
}

export function Ask({ question, yes, onYes, onClose }: Props): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const agree = () => {
    onYes();
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={onClose}>
      <p id="question">{question}</p>
      <div class="actions">
        <button type="button" onClick={() => dialog.current?.close()}>{t("cancel")}</button>
        <button type="button" class="main" onClick={agree}>{yes}</button>
      </div>
    </dialog>
  );
}
