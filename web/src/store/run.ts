// One answer while it is being given: what has been said so far.
// It drops what arrives twice or late, and says when its beginning was missed.
import type { ChatEvent } from "../protocol.ts";

export interface Run {
  readonly runId: string;
  readonly text: string;
  readonly seq: number;
  /** The beginning or a part was missed; the stored answer will have all of it. */
  readonly partial: boolean;
  /** Runs that waited when this one began to speak, and that it most likely answers too. */
  readonly beside: ReadonlySet<string>;
}

/** A run that has just begun to speak. `late`: it had begun before this page listened. */
export function begin(event: ChatEvent, beside: Iterable<string>, late: boolean): Run {
  return {
    runId: event.runId,
    text: event.deltaText ?? "",
    seq: event.seq,
    partial: late && event.seq > 1,
    beside: new Set(beside),
  };
}

/** The run after one more delta. */
export function extend(run: Run, event: ChatEvent): Run {
  if (event.seq <= run.seq) return run;
  return { ...run, seq: event.seq, text: run.text + (event.deltaText ?? "") };
}
