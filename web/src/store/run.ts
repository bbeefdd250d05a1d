// One answer while it is being given: what has been said so far.
// It drops what arrives twice or late, and says when its beginning was missed.
import type { ChatEvent } from "../protocol.ts";

export interface Run {
  readonly runId: string;
  readonly text: string;
  /** Of the last words; 0 when it is not known where the counting goes on. */
  readonly seq: number;
  /** The beginning or a part was missed; the stored answer will have all of it. */
  readonly partial: boolean;
  /** Runs that waited when this one began to speak, and that it most likely answers too. */
  readonly beside: ReadonlySet<string>;
}

/** A run that is heard for the first time. `late`: it had begun before this page listened. */
export function begin(event: ChatEvent, beside: Iterable<string>, late: boolean): Run {
  return {
    runId: event.runId,
    text: event.deltaText ?? "",
    seq: event.seq,
    partial: late,
    beside: new Set(beside),
  };
}

/** The run after one more delta. */
export function extend(run: Run, event: ChatEvent): Run {
  // A gateway that begins to count anew has not begun to speak anew.
  if (event.seq <= run.seq && event.seq !== 1) return run;
  return { ...run, seq: event.seq, text: run.text + (event.deltaText ?? "") };
}
