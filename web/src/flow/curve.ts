// A curve over time as the path of an SVG. Pure.
import type { Millis } from "../protocol.ts";

export interface Point {
  at: Millis;
  value: number;
}

export interface Frame {
  width: number;
  height: number;
  from: Millis;
  to: Millis;
  /** The value at the upper edge. */
  top: number;
}

/** Nobody looked for longer than this: the curve breaks off and begins anew. */
const GAP: Millis = 5_000;

/** A line through the points that lie within the frame, broken where nobody looked. */
export function curve(points: readonly Point[], frame: Frame): string {
  let path = "";
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, value } of points) {
    if (at < frame.from || at > frame.to) continue;
    const x = ((at - frame.from) / (frame.to - frame.from)) * frame.width;
    const y = frame.height * (1 - Math.min(1, Math.max(0, value / frame.top)));
    const goesOn = at - last <= GAP;
    path += `${goesOn ? "L" : "M"}${round(x)} ${round(y)}`;
    // A point alone is seen as well.
    if (!goesOn) path += "h0";
    last = at;
  }
  return path;
}

/** The point next to a moment. */
export function nearest(points: readonly Point[], at: Millis): Point | undefined {
  return points.reduce<Point | undefined>(
    (best, point) => (best && Math.abs(best.at - at) <= Math.abs(point.at - at) ? best : point),
    undefined,
  );
}

/** A round number that is no less than the highest value, and no less than `least`. */
export function top(points: readonly Point[], least: number): number {
  const highest = Math.max(least, ...points.map(({ value }) => value));
  const magnitude = 10 ** Math.floor(Math.log10(highest));
  const step = [1, 2, 4, 5, 10].find((factor) => factor * magnitude >= highest) ?? 10;
  return step * magnitude;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
