// How full the pool is, as a bar that says in words what it shows and how it is reckoned.
import type { VNode } from "preact";
import { figure, quantity } from "../i18n.ts";
import { type Answer, type Mood, WEIGHTS, moodOf, refusingDepth } from "./pool.ts";
import { tell } from "./words.ts";

const TONES: Record<Mood, string> = { calm: "good", busy: "busy", refusing: "bad" };

export function Level({ metrics, limits }: Answer): VNode {
  const { backpressureLevel: level, queueDepth: depth, saturation } = metrics;
  const { backpressureThreshold: threshold, maxQueueSize, maxWorkers } = limits;
  const mood = moodOf(metrics, limits);
  const why = {
    level: figure(level, 2),
    threshold: figure(threshold, 2),
    queue: WEIGHTS.queue,
    workers: WEIGHTS.workers,
    depth,
    most: maxQueueSize,
    running: metrics.activeWorkers,
    all: maxWorkers,
  };
  return (
    <section class="levels">
      <p class="mood">
        <span class={`dot ${TONES[mood]}`} aria-hidden="true" />
        <span>{tell(mood, { count: depth })}</span>
      </p>
      <Bar name={tell("level")} share={level} value={figure(level, 2)} tone={TONES[mood]} mark={threshold} />
      <p class="muted">{tell("levelWhy", why)}</p>
      <Bar name={tell("saturation")} share={saturation} value={quantity(saturation * 100, "percent")} tone={TONES[mood]} />
      <p class="muted">{tell("saturationWhy", { depth, most: refusingDepth(limits) })}</p>
    </section>
  );
}

interface BarProps {
  name: string;
  /** 0 to 1. */
  share: number;
  value: string;
  tone: string;
  mark?: number;
}

function Bar({ name, share, value, tone, mark }: BarProps): VNode {
  const shown = Math.min(1, Math.max(0, share));
  return (
    <div class="bar" role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={1} aria-valuenow={shown} aria-valuetext={value}>
      <span>{name}</span>
      <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" y="3" width="100" height="8" />
        <rect class={tone} y="3" width={shown * 100} height="8" />
        {mark !== undefined && <path class="mark" d={`M${mark * 100} 0V14`} />}
      </svg>
      <b>{value}</b>
    </div>
  );
}
