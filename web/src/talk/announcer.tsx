// Reads streamed answers to those who do not see them: whole sentences, politely, each once.
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Run } from "../store/run.ts";

const SENTENCE = /[.!?。！？\n](?=\s|$)/g;
const KEPT = 8;

interface Told {
  /** Characters of the run's text that have been read out. */
  length: number;
  text: string;
}

export function Announcer({ runs }: { runs: readonly Run[] }): VNode {
  const told = useRef(new Map<string, Told>());
  const lines = useRef<{ key: number; text: string }[]>([]);
  const count = useRef(0);
  const say = (text: string) => {
    if (text.trim()) lines.current = [...lines.current, { key: count.current++, text }].slice(-KEPT);
  };
  for (const { runId, text } of runs) {
    const before = told.current.get(runId)?.length ?? 0;
    const end = sentenceEnd(text, before);
    say(text.slice(before, end));
    told.current.set(runId, { length: end, text });
  }
  for (const [runId, { length, text }] of told.current) {
    if (runs.some((run) => run.runId === runId)) continue;
    say(text.slice(length));
    told.current.delete(runId);
  }
  return (
    <div class="unseen" aria-live="polite" aria-atomic="false">
      {lines.current.map(({ key, text }) => <p key={key}>{text}</p>)}
    </div>
  );
}

/** Where the last whole sentence ends, at or after `from`. */
function sentenceEnd(text: string, from: number): number {
  let end = from;
  SENTENCE.lastIndex = from;
  for (let found = SENTENCE.exec(text); found; found = SENTENCE.exec(text)) end = found.index + 1;
  return end;
}
