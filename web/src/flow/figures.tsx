// The pool's figures in one row, each under its name.
import type { VNode } from "preact";
import { figure, quantity } from "../i18n.ts";
import type { PoolMetrics } from "../protocol.ts";
import type { FlowMessages } from "./messages/en.ts";
import { tell } from "./words.ts";

type Shown = [name: keyof FlowMessages, value: string, since?: keyof FlowMessages, tone?: string];

export function Figures({ metrics }: { metrics: PoolMetrics }): VNode {
  const { totalProcessed, totalErrors, stuckWorkers } = metrics;
  const figures: Shown[] = [
    ["busyWorkers", figure(metrics.activeWorkers)],
    ["idleWorkers", figure(metrics.idleWorkers)],
    ["stuckWorkers", figure(stuckWorkers), undefined, stuckWorkers > 0 ? "bad" : ""],
    ["waiting", figure(metrics.queueDepth)],
    ["perMinute", figure(metrics.throughputPerMinute)],
    ["mean", seconds(metrics.avgLatencyMs), "lastFive"],
    ["p95", seconds(metrics.p95LatencyMs), "lastFive"],
    ["p99", seconds(metrics.p99LatencyMs), "lastFive"],
    ["processed", figure(totalProcessed), "sinceStart"],
    ["failed", figure(totalErrors), "sinceStart", totalErrors > 0 ? "bad" : ""],
  ];
  return (
    <dl class="figures" aria-label={tell("figures")}>
      {figures.map(([name, value, since, tone]) => (
        <div key={name} title={since && tell(since)}>
          <dt>{tell(name)}</dt>
          <dd class={tone}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Of no turn there is no time. */
function seconds(milliseconds: number): string {
  if (milliseconds === 0) return "–";
  return quantity(milliseconds / 1_000, "second", milliseconds < 9_950 ? 1 : 0);
}
