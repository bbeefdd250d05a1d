// The order in which a conversation is read: each answer after the last message that it answers,
// whatever the order in which they were stored. Pure; the view draws what this returns.
import type { Outgoing } from "../outbox.ts";
import type { Message, Millis } from "../protocol.ts";
import type { Run } from "./run.ts";

/** A stored message, with what only events tell. */
export interface Entry extends Message {
  /** The run that carries the answer to this one. */
  mergedInto?: string;
  /** When a failed turn is tried again. */
  retryAt?: Millis;
}

/** One thing in the conversation. `key` stays the same from the first sign of it to its stored form. */
export type Item =
  | { key: string; kind: "said"; entry: Entry; answered: boolean }
  | { key: string; kind: "answer"; entry: Entry }
  | { key: string; kind: "live"; run: Run }
  | { key: string; kind: "outgoing"; outgoing: Outgoing };

interface Answer {
  item: Item;
  runId: string | undefined;
  answers(user: Entry): boolean;
}

export function thread(entries: Entry[], runs: readonly Run[], outgoing: Outgoing[]): Item[] {
  const users = entries.filter((entry) => entry.role === "user");
  const index = new Map(users.map((user, at) => [user.runId ?? user.id, at]));
  const slots: Item[][] = users.map(() => []);
  const head: Item[] = [];
  const place = (answer: Answer, fallback: number) => {
    let at = index.get(answer.runId ?? "") ?? fallback;
    for (let next = users[at + 1]; next && answer.answers(next); next = users[at + 1]) at += 1;
    (slots[at] ?? head).push(answer.item);
  };

  const answered = new Set(entries.filter((one) => one.role === "assistant").map((one) => one.runId));
  let before = -1;
  for (const entry of entries) {
    if (entry.role === "user") before += 1;
    else place(stored(entry, answered), before);
  }
  for (const run of runs) place(live(run), users.length - 1);

  const read = users.flatMap((user, at) => [said(user, answered.has(user.runId)), ...(slots[at] ?? [])]);
  // The gateway may tell that it stored a message before it answers the one who sent it.
  const unstored = outgoing.filter(({ key }) => !index.has(key));
  return [...head, ...read, ...unstored.map(waiting)];
}

function said(entry: Entry, answered: boolean): Item {
  return { key: `said:${entry.runId ?? entry.id}`, kind: "said", entry, answered };
}

function waiting(outgoing: Outgoing): Item {
  return { key: `said:${outgoing.key}`, kind: "outgoing", outgoing };
}

function stored(entry: Entry, answered: ReadonlySet<string | undefined>): Answer {
  const { runId } = entry;
  return {
    item: { key: `answer:${runId ?? entry.id}`, kind: "answer", entry },
    runId,
    answers: (user) =>
      runId !== undefined &&
      (user.mergedInto === runId ||
        (user.mergedInto === undefined &&
          user.state === "done" &&
          !answered.has(user.runId) &&
          user.timestamp <= entry.timestamp)),
  };
}

function live(run: Run): Answer {
  return {
    item: { key: `answer:${run.runId}`, kind: "live", run },
    runId: run.runId,
    answers: (user) => run.beside.has(user.runId ?? ""),
  };
}
