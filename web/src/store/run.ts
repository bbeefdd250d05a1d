// One answer while it is being given: what has been said so far.
// It takes each word once and in its place, and nothing that does not follow from what it has.
import type { ChatEvent } from "../protocol.ts";

export interface Run {
  readonly runId: string;
  readonly text: string;
  /** Bytes of the answer before the text; more than 0 when its beginning could not be had. */
  readonly from: number;
  /** Bytes of the answer up to the end of the text. */
  readonly to: number;
  /** Runs that waited when this one began to speak, and that it most likely answers too. */
  readonly beside: ReadonlySet<string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A run that has said this, beginning after so many bytes of its answer. */
export function begin(runId: string, text: string, from: number, beside: Iterable<string>): Run {
  return { runId, text, from, to: from + bytes(text), beside: new Set(beside) };
}

/** The run after one more delta; nothing when the delta does not follow from it: words between are missing,
 * or it belongs to another attempt, which says something else. */
export function extend(run: Run, { deltaText = "", offset = 0 }: ChatEvent): Run | undefined {
  if (offset < run.from || offset > run.to) return undefined;
  const known = offset === run.to ? "" : slice(run.text, offset - run.from, bytes(deltaText));
  if (!deltaText.startsWith(known)) return undefined;
  const added = deltaText.slice(known.length);
  return { ...run, text: run.text + added, to: run.to + bytes(added) };
}

/** Length in UTF-8, which is what the gateway counts. */
function bytes(text: string): number {
  return encoder.encode(text).length;
}

function slice(text: string, from: number, length: number): string {
  return decoder.decode(encoder.encode(text).subarray(from, from + length));
}
