// How the page says that something went wrong: what happened, the code, what to do, and the text for support.
import type { ComponentChildren, VNode } from "preact";
import { type Refusal, codeOf } from "../protocol.ts";
import { t } from "../i18n.ts";
import { CopyButton } from "./copy.tsx";

interface Props {
  what: string;
  error: Refusal;
  /** What comes next, when `what` already says plainly why; it takes the place of the technical words, which
   * are then only in the text for support. */
  next?: string | undefined;
  /** What the text for support says besides: the run, the conversation. */
  about?: Record<string, string | undefined>;
  /** It goes on by itself: no alarm. */
  mild?: boolean;
  children?: ComponentChildren;
}

export function Problem({ what, error, next, about = {}, mild = false, children }: Props): VNode {
  return (
    <div class={mild ? "problem mild" : "problem"} role="alert">
      <p>{what}</p>
      <p>
        {next ?? error.message} <code>{codeOf(error)}</code>
      </p>
      <div class="actions">
        {children}
        <CopyButton text={support(error, about)} label={t("copySupport")} />
      </div>
    </div>
  );
}

function support(error: Props["error"], about: Record<string, string | undefined>): string {
  const lines = { code: codeOf(error), message: error.message, ...about, at: new Date().toISOString() };
  return Object.entries({ ...lines, page: __VERSION__ })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
