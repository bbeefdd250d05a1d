// @vitest-environment jsdom
// The pool as the page knows it: what is kept, what is concluded, how it is drawn, and when it is asked.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Refused, Unanswered } from "../src/connection.ts";
import { curve, nearest, top } from "../src/flow/curve.ts";
import { type Answer, Pool, WINDOW, moodOf, refusingDepth, span, tenantsOf } from "../src/flow/pool.ts";
import { whileSeen } from "../src/store/seen.ts";
import { settled } from "./socket.ts";

const limits = { minWorkers: 1, maxWorkers: 4, maxQueueSize: 32, backpressureThreshold: 0.7 };
const metrics = {
  activeWorkers: 0,
  idleWorkers: 1,
  stuckWorkers: 0,
  queueDepth: 0,
  totalProcessed: 0,
  totalErrors: 0,
  avgLatencyMs: 0,
  p95LatencyMs: 0,
  p99LatencyMs: 0,
  throughputPerMinute: 0,
  backpressureLevel: 0,
  saturation: 0,
};
const answer = (change: Partial<Answer["metrics"]> = {}): Answer => ({ metrics: { ...metrics, ...change }, limits, workers: [], queues: [] });

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000_000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the pool", () => {
  test("keeps five minutes of figures and no more", async () => {
    let level = 0;
    const pool = new Pool(async () => answer({ backpressureLevel: (level += 0.001) }));
    for (let second = 0; second < 400; second += 1) {
      await pool.look();
      vi.advanceTimersByTime(1_000);
    }
    const samples = pool.samples.value;
    expect(samples).toHaveLength(WINDOW / 1_000);
    expect(samples.at(-1)?.level).toBeCloseTo(0.4);
    expect(samples.every(({ at }, i) => i === 0 || at > (samples[i - 1]?.at ?? 0))).toBe(true);
  });

  test("a clock that goes back leaves no curve that does", async () => {
    const pool = new Pool(async () => answer());
    await pool.look();
    vi.setSystemTime(Date.now() - 7_200_000);
    await pool.look();
    expect(pool.samples.value.map(({ at }) => at)).toEqual([Date.now()]);
  });

  test("keeps what it knew when there is no answer, and says when it was refused", async () => {
    const ask = vi.fn(async () => answer({ queueDepth: 3 }));
    const pool = new Pool(ask);
    await pool.look();
    ask.mockRejectedValueOnce(new Unanswered("gone"));
    await pool.look();
    expect(pool.problem.value).toBeUndefined();
    expect(pool.now.value?.metrics.queueDepth).toBe(3);
    ask.mockRejectedValueOnce(new Refused({ code: "FORBIDDEN", message: "no" }));
    await pool.look();
    expect(pool.problem.value?.code).toBe("FORBIDDEN");
    await pool.look();
    expect(pool.problem.value).toBeUndefined();
  });

  test("shows whole minutes, from one to as many as are kept", async () => {
    const pool = new Pool(async () => answer());
    const minutes = () => {
      const { from, to } = span(pool.samples.value);
      return (to - from) / 60_000;
    };
    expect(minutes()).toBe(1);
    await pool.look();
    for (const expected of [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]) {
      expect(minutes()).toBe(expected);
      vi.advanceTimersByTime(31_000);
      await pool.look();
    }
  });

  test("adds up what each tenant has, those that wait first", () => {
    const worker = { id: "w", state: "busy", requestCount: 1, startedAt: 1, silentMs: 0, memoryBytes: 0 } as const;
    const workers = [{ ...worker, session: "agent:bb:main" }, worker, { ...worker, session: "agent:aa:main" }, { ...worker, session: "agent:aa:web:direct:1" }];
    const queues = [{ tenant: "aa", tier: "free", waiting: 3, oldestMs: 900 }];
    expect(tenantsOf({ ...answer(), workers, queues })).toEqual([
      { tenant: "aa", tier: "free", waiting: 3, oldestMs: 900, running: 2 },
      { tenant: "bb", tier: "", waiting: 0, oldestMs: 0, running: 1 },
    ]);
    expect(tenantsOf(answer())).toEqual([]);
  });

  test("knows where refusing begins", () => {
    expect(refusingDepth(limits)).toBe(19);
    expect(refusingDepth({ ...limits, backpressureThreshold: 1 })).toBe(32);
    expect(refusingDepth({ ...limits, maxQueueSize: 0 })).toBe(0);
    expect(moodOf(metrics, limits)).toBe("calm");
    expect(moodOf({ ...metrics, queueDepth: 1, backpressureLevel: 0.32 }, limits)).toBe("busy");
    expect(moodOf({ ...metrics, queueDepth: 19, backpressureLevel: 0.72 }, limits)).toBe("refusing");
    expect(moodOf({ ...metrics, queueDepth: 32, backpressureLevel: 0.7 }, { ...limits, backpressureThreshold: 1 })).toBe("refusing");
  });
});

describe("a curve", () => {
  const frame = { width: 100, height: 10, from: 0, to: 10_000, top: 1 };

  test("goes through its points and stays in its frame", () => {
    const points = [{ at: -1, value: 1 }, { at: 0, value: 0 }, { at: 5_000, value: 0.5 }, { at: 10_000, value: 7 }];
    expect(curve(points, frame)).toBe("M0 10h0L50 5L100 0");
  });

  test("breaks where nobody looked", () => {
    const points = [{ at: 0, value: 1 }, { at: 1_000, value: 1 }, { at: 9_000, value: 0 }];
    expect(curve(points, frame)).toBe("M0 0h0L10 0M90 10h0");
    expect(curve([], frame)).toBe("");
  });

  test("has room for its highest value under a round number", () => {
    const at = (value: number) => top([{ at: 0, value }], 4);
    expect([0, 3, 4, 5, 17, 99, 101].map(at)).toEqual([4, 4, 4, 5, 20, 100, 200]);
    expect(top([], 1)).toBe(1);
  });

  test("tells the point next to the pointer", () => {
    const points = [{ at: 0, value: 1 }, { at: 10, value: 2 }];
    expect([nearest(points, -5), nearest(points, 6), nearest([], 6)]).toEqual([points[0], points[1], undefined]);
  });
});

describe("looking while it is seen", () => {
  const seen = (state: DocumentVisibilityState) => {
    vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
    document.dispatchEvent(new Event("visibilitychange"));
  };

  test("each second, never while hidden, at once when seen again, never after the end", async () => {
    const look = vi.fn(async () => {});
    seen("visible");
    const stop = whileSeen(1_000, look);
    expect(look).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(look).toHaveBeenCalledTimes(4);
    seen("hidden");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(look).toHaveBeenCalledTimes(4);
    seen("visible");
    expect(look).toHaveBeenCalledTimes(5);
    stop();
    seen("visible");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(look).toHaveBeenCalledTimes(5);
  });

  test("waits for a slow answer before it asks again", async () => {
    let answered = () => {};
    const look = vi.fn(() => new Promise<void>((resolve) => { answered = resolve; }));
    seen("visible");
    const stop = whileSeen(1_000, look);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(1);
    answered();
    await settled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(look).toHaveBeenCalledTimes(2);
    stop();
  });
});
