// One message of a conversation in each of its forms: on its way out, stored, answered, being answered.
import type { ComponentChildren, VNode } from "preact";
import { useGateway } from "../frame/context.ts";
import { CopyButton } from "../frame/copy.tsx";
import { Problem } from "../frame/problem.tsx";
import { absoluteTime, clockTime, soon, t } from "../i18n.ts";
import { Markdown } from "../markdown/markdown.tsx";
import type { Outgoing as OutgoingMessage } from "../outbox.ts";
import { type Refusal, codeOf, textOf } from "../protocol.ts";
import { draft, write } from "../store/drafts.ts";
import { useSeconds } from "../store/now.ts";
import type { Run } from "../store/run.ts";
import type { Entry } from "../store/thread.ts";
import { reasonOf } from "./reason.ts";

interface SaidProps {
  entry: Entry;
  answered: boolean;
  sessionKey: string;
}

export function Said({ entry, answered, sessionKey }: SaidProps): VNode {
  return (
    <article aria-label={t("you")}>
      <p class="words">{textOf(entry)}</p>
      <Fate entry={entry} answered={answered} sessionKey={sessionKey} />
    </article>
  );
}

/** What became of a message, when it is not simply answered. */
function Fate({ entry, answered, sessionKey }: SaidProps): VNode {
  const { state, error, retryAt, runId } = entry;
  const about = { run: runId, session: sessionKey };
  const now = useSeconds(retryAt !== undefined);
  if (state === "parked") {
    const what = t("parked", { command: "openclaw inbox replay" });
    return <Problem {...plainly(what, error)} error={error ?? { code: "parked", message: "" }} about={about} />;
  }
  if (error && retryAt) {
    const what = t("retries", { when: soon(retryAt, now) });
    return <Problem {...plainly(what, error)} error={error} about={about} mild />;
  }
  const words = { waiting: t("waits"), aborted: t("stopped"), dropped: t("dropped") };
  const note = !answered && state && state in words ? words[state as keyof typeof words] : undefined;
  return (
    <p class="meta">
      {note && <span class="late">{note}</span>}
      <Clock at={entry.timestamp} />
    </p>
  );
}

export function Outgoing({ message }: { message: OutgoingMessage }): VNode {
  const { connection, outbox } = useGateway();
  const { key, sessionKey, text, refusal, delay, retryAt } = message;
  const now = useSeconds(delay !== undefined);
  const about = { run: key, session: sessionKey };
  const takeBack = () => {
    const taken = outbox.takeBack(key);
    const begun = draft(sessionKey).value;
    write(sessionKey, begun ? `${taken}\n${begun}` : taken);
  };
  const choices = (
    <>
      <button type="button" onClick={() => outbox.again(key)}>{t("tryAgain")}</button>
      <button type="button" onClick={takeBack}>{t("takeBack")}</button>
    </>
  );
  let fate: ComponentChildren;
  if (refusal) {
    fate = <Problem {...plainly(t("notTaken"), refusal)} error={refusal} about={about}>{choices}</Problem>;
  } else if (delay) {
    const why = reasonOf(codeOf(delay));
    const next = retryAt === undefined ? t("notTakenYet") : t("sentAgain", { when: soon(retryAt, now) });
    fate = <Problem what={why ?? t("notTakenYet")} next={why && next} error={delay} about={about} mild>{choices}</Problem>;
  } else {
    const open = connection.link.value.kind === "open";
    fate = <p class="meta"><span class={open ? "late" : ""}>{t(open ? "sending" : "sendLater")}</span></p>;
  }
  return (
    <article aria-label={t("you")} class="outgoing">
      <p class="words">{text}</p>
      {fate}
    </article>
  );
}

/** The plain reason with what comes of it, or what comes of it with the gateway's own words. */
function plainly(outcome: string, error: Refusal | undefined): { what: string; next?: string } {
  const why = error && reasonOf(codeOf(error));
  return why ? { what: why, next: outcome } : { what: outcome };
}

/** An answer, while it is given and when it is stored; the same elements, so that a selection survives. */
export function Answer({ entry, run }: { entry: Entry; run?: undefined } | { run: Run; entry?: undefined }): VNode {
  const text = run ? run.text : textOf(entry);
  return (
    <article aria-label={t("agent")} aria-busy={run !== undefined} class={run && "live"}>
      {run && run.from > 0 && <p class="meta"><span>{t("missedBeginning")}</span></p>}
      <Markdown text={text} growing={run !== undefined} />
      {entry && <Origin entry={entry} text={text} />}
    </article>
  );
}

function Origin({ entry, text }: { entry: Entry; text: string }): VNode {
  const { input = 0, cached = 0, output = 0 } = entry.usage ?? {};
  const spent = input + cached + output;
  return (
    <p class="meta">
      {entry.state === "aborted" && <span>{t("stopped")}</span>}
      <Clock at={entry.timestamp} />
      {entry.model && <span>{entry.model}</span>}
      {spent > 0 && <span>{t("tokens", { count: spent })}</span>}
      <CopyButton text={text} />
    </p>
  );
}

/** Comes only after a moment: most answers begin before it would be seen. */
export function Thinking(): VNode {
  return (
    <p class="thinking" role="status">
      <span class="unseen">{t("thinking")}</span>
      <i /><i /><i />
    </p>
  );
}

function Clock({ at }: { at: number }): VNode {
  return <time dateTime={new Date(at).toISOString()} title={absoluteTime(at)}>{clockTime(at)}</time>;
}
