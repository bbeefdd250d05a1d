// One figure over the last minutes: its name, how it is now, and a curve. Under the pointer, how it was then.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { secondTime } from "../i18n.ts";
import type { Millis } from "../protocol.ts";
import { type Point, curve, nearest, top } from "./curve.ts";
import { tell } from "./words.ts";

interface Props {
  name: string;
  points: readonly Point[];
  /** The lowest value that the upper edge may stand for. */
  least: number;
  /** Where the curve begins and ends. */
  from: Millis;
  to: Millis;
  format(value: number): string;
  /** A value that means something: a line across. */
  mark?: number;
}

const WIDTH = 300;
const HEIGHT = 48;

export function Chart({ name, points, from, to, least, format, mark }: Props): VNode {
  const [pointed, setPointed] = useState<Millis>();
  const frame = { width: WIDTH, height: HEIGHT, from, to, top: top(points, least) };
  const now = points.at(-1);
  const shown = pointed === undefined ? now : nearest(points, pointed);
  const highest = Math.max(0, ...points.map(({ value }) => value));
  const point = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    setPointed(from + ((event.clientX - left) / width) * (to - from));
  };
  return (
    <figure class="chart">
      <figcaption>
        <span>{name}</span>
        {pointed !== undefined && shown && <time>{secondTime(shown.at)}</time>}
        <b>{shown ? format(shown.value) : ""}</b>
      </figcaption>
      <svg
        viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={tell("chart", { name, now: format(now?.value ?? 0), most: format(highest) })}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        <path class="floor" d={`M0 ${HEIGHT}H${WIDTH}`} />
        {mark !== undefined && <path class="mark" d={`M0 ${HEIGHT * (1 - mark / frame.top)}H${WIDTH}`} />}
        <path class="curve" d={curve(points, frame)} />
      </svg>
      <span class="top" aria-hidden="true">{format(frame.top)}</span>
    </figure>
  );
}
