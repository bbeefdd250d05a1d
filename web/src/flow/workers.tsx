// The workers, one in each row: what it does, for whom, since when. One can be replaced by a new one.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Refused } from "../connection.ts";
import { Ask } from "../frame/ask.tsx";
import { useGateway } from "../frame/context.ts";
import { Icon } from "../frame/icon.tsx";
import { Problem } from "../frame/problem.tsx";
import { absoluteTime, ago, figure, quantity, t } from "../i18n.ts";
import type { Millis, Refusal, Session, Worker } from "../protocol.ts";
import { now } from "../store/now.ts";
import { go } from "../store/route.ts";
import { titleOf } from "../talk/session-list.tsx";
import type { Answer } from "./pool.ts";
import { tell } from "./words.ts";

interface Props extends Answer {
  onChange(): void;
}

/** What came of replacing one. */
type Outcome = { worker: string; came: "replaced" | "gone"; at: Millis } | { refusal: Refusal };

/** How long the words about a worker that is gone stay. */
const SAID: Millis = 10_000;

export function Workers({ workers, limits, onChange }: Props): VNode {
  const gateway = useGateway();
  const [asked, setAsked] = useState<string>();
  const [outcome, setOutcome] = useState<Outcome>();
  const replace = async (workerId: string) => {
    setOutcome(undefined);
    try {
      const { ok } = await gateway.connection.request("workers.recycle", { workerId });
      setOutcome({ worker: workerId, came: ok ? "replaced" : "gone", at: Date.now() });
      onChange();
    } catch (error) {
      if (error instanceof Refused) setOutcome({ refusal: error.refusal });
    }
  };
  const came = outcome && "came" in outcome ? outcome : undefined;
  const said = came && (workers.some(({ id }) => id === came.worker) || Date.now() - came.at < SAID) ? came : undefined;
  const between = tell("between", { fewest: limits.minWorkers, most: limits.maxWorkers });
  return (
    <section class="rows workers">
      <h2>{tell("workers")} <span class="muted">{between}</span></h2>
      {said && <p class="said" role="status">{tell(said.came, { worker: said.worker })}</p>}
      {outcome && "refusal" in outcome && <Problem what={t("notDone")} error={outcome.refusal} />}
      {workers.length === 0 ? <p class="empty">{tell("noWorkers")}</p> : (
        <table>
          <Head />
          <tbody>
            {workers.map((worker) => (
              <Row key={worker.id} worker={worker} {...(gateway.isAdmin && { onReplace: () => setAsked(worker.id) })} />
            ))}
          </tbody>
        </table>
      )}
      {asked !== undefined && (
        <Ask question={tell("replaceAsk", { worker: asked })} yes={tell("replace")} onYes={() => void replace(asked)} onClose={() => setAsked(undefined)} />
      )}
    </section>
  );
}

function Head(): VNode {
  return (
    <thead>
      <tr>
        <th scope="col">{tell("worker")}</th>
        <th scope="col">{tell("state")}</th>
        <th scope="col">{tell("session")}</th>
        <th scope="col" class="number">{tell("since")}</th>
        <th scope="col" class="number">{tell("heard")}</th>
        <th scope="col" class="number">{tell("turns")}</th>
        <th scope="col" class="number">{tell("memory")}</th>
        <td />
      </tr>
    </thead>
  );
}

const TONES = { idle: "", busy: "busy", draining: "busy", stuck: "bad", dead: "" } as const;
const STATES = { idle: "stateIdle", busy: "stateBusy", draining: "stateDraining", stuck: "stateStuck", dead: "stateDead" } as const;

function Row({ worker, onReplace }: { worker: Worker; onReplace?(): void }): VNode {
  const { id, state, session, startedAt, silentMs, requestCount } = worker;
  const { sessions } = useGateway();
  const replaceable = onReplace && (state === "idle" || state === "busy");
  return (
    <tr>
      <th scope="row">{id}</th>
      <td class="doing">
        <span class={`dot ${TONES[state] ?? ""}`} aria-hidden="true" />
        {state in STATES ? tell(STATES[state]) : state}
      </td>
      <td class="session">
        {session && <button type="button" class="quiet title" title={session} onClick={() => go("talk", session)}>{nameOf(sessions.find(session), session)}</button>}
      </td>
      <td class="number">
        <time dateTime={new Date(startedAt).toISOString()} title={absoluteTime(startedAt)}>{ago(startedAt, now.value)}</time>
      </td>
      <td class="number silent">{session && quantity(Math.floor(silentMs / 1_000), "second")}</td>
      <td class="number begun">{figure(requestCount)}</td>
      <Memory worker={worker} />
      <td class="act">
        {replaceable && (
          <button type="button" class="square" title={tell("replace")} aria-label={tell("replaceWorker", { worker: id })} onClick={onReplace}>
            <Icon name="again" />
          </button>
        )}
      </td>
    </tr>
  );
}

/** What the conversation is called, as far as it is known here. */
function nameOf(session: Session | undefined, key: string): string {
  return session?.title || session?.lastText ? titleOf(session) : key.replace(/^agent:/, "");
}

function Memory({ worker: { memoryBytes, pid } }: { worker: Worker }): VNode {
  const about = pid === undefined ? tell("inside") : tell("process", { pid: String(pid) });
  return (
    <td class="number memory" title={about}>
      {memoryBytes > 0 ? quantity(memoryBytes / 1024 / 1024, "megabyte") : <span aria-label={about}>–</span>}
    </td>
  );
}
