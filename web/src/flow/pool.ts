// The pool as this place knows it: how it is now, how it was in the last minutes, and what follows from that.
import { signal } from "@preact/signals";
import { type Methods, type Millis, type PoolLimits, type PoolMetrics, type TenantQueue, tenantOf } from "../protocol.ts";
import { Watch } from "./watch.ts";

export type Answer = Methods["workers.list"]["payload"];

/** The figures of one moment that are drawn as curves. */
export interface Sample {
  at: Millis;
  level: number;
  busy: number;
  waiting: number;
  perMinute: number;
}

/** One tenant's part in what goes on. */
export interface Tenant extends TenantQueue {
  /** Its turns that run. */
  running: number;
}

export type Mood = "calm" | "busy" | "refusing";

const MINUTE: Millis = 60_000;
/** How long the curves reach back. */
export const WINDOW: Millis = 5 * MINUTE;
/** What the queue and the workers count for in the level; the gateway's own weights. */
export const WEIGHTS = { queue: 0.7, workers: 0.3 } as const;

export class Pool extends Watch<Answer> {
  readonly samples = signal<readonly Sample[]>([]);

  /** When the figures were had. */
  get seenAt(): Millis | undefined {
    return this.samples.value.at(-1)?.at;
  }

  protected override took(answer: Answer): void {
    super.took(answer);
    this.keep(answer.metrics, Date.now());
  }

  private keep(metrics: PoolMetrics, at: Millis): void {
    const sample = {
      at,
      level: metrics.backpressureLevel,
      busy: metrics.activeWorkers,
      waiting: metrics.queueDepth,
      perMinute: metrics.throughputPerMinute,
    };
    this.samples.value = [...this.samples.value.filter((one) => one.at > at - WINDOW && one.at < at), sample];
  }
}

/** The time that the curves show: whole minutes, as many as there is something to show of. */
export function span(samples: readonly Sample[]): { from: Millis; to: Millis } {
  const to = samples.at(-1)?.at ?? 0;
  const minutes = Math.ceil((to - (samples[0]?.at ?? to)) / MINUTE);
  return { from: to - Math.max(1, minutes) * MINUTE, to };
}

/** The tenants that wait or are answered; those that wait come in the gateway's order, the longest wait first. */
export function tenantsOf({ workers, queues }: Answer): Tenant[] {
  const tenants = new Map<string, Tenant>(queues.map((queue) => [queue.tenant, { ...queue, running: 0 }]));
  for (const { session } of workers) {
    if (!session) continue;
    const name = tenantOf(session);
    const tenant = tenants.get(name) ?? { tenant: name, tier: "", waiting: 0, oldestMs: 0, running: 0 };
    tenants.set(name, { ...tenant, running: tenant.running + 1 });
  }
  return [...tenants.values()];
}

/** How many may wait, while every worker is busy, before new work is refused. */
export function refusingDepth({ maxQueueSize, backpressureThreshold }: PoolLimits): number {
  for (let depth = 0; depth < maxQueueSize; depth += 1) {
    if ((depth / maxQueueSize) * WEIGHTS.queue + WEIGHTS.workers >= backpressureThreshold) return depth;
  }
  return maxQueueSize;
}

export function moodOf({ queueDepth, backpressureLevel }: PoolMetrics, limits: PoolLimits): Mood {
  if (queueDepth >= limits.maxQueueSize || backpressureLevel >= limits.backpressureThreshold) return "refusing";
  return queueDepth > 0 ? "busy" : "calm";
}
