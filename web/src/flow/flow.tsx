// The place of flow: how full the pool is, what that means, and what each worker does. It asks each second
// while it is seen, and never otherwise.
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { useGateway } from "../frame/context.ts";
import { useKeys } from "../frame/keys.tsx";
import { Problem } from "../frame/problem.tsx";
import type { Gateway } from "../gateway.ts";
import { figure, secondTime, t } from "../i18n.ts";
import type { Methods } from "../protocol.ts";
import { visit } from "../store/route.ts";
import { useWhileSeen } from "../store/seen.ts";
import { Chart } from "./chart.tsx";
import { Figures } from "./figures.tsx";
import { Level } from "./level.tsx";
import { Pool, type Sample, span } from "./pool.ts";
import { Providers } from "./providers.tsx";
import { Queues } from "./queues.tsx";
import { Watch } from "./watch.ts";
import { tell } from "./words.ts";
import { Workers } from "./workers.tsx";
import "../style/flow.css";

const EVERY = 1_000;

interface Watches {
  pool: Pool;
  providers: Watch<Methods["providers.list"]["payload"]>;
}

export function Flow(): VNode {
  const gateway = useGateway();
  const { pool, providers } = watchesOf(gateway);
  const place = useRef<HTMLElement>(null);
  const open = gateway.connection.link.value.kind === "open";
  useWhileSeen(EVERY, open, () => pool.look());
  useWhileSeen(EVERY, open && gateway.offers("providers.list"), () => providers.look());
  useKeys({
    j: () => move(place.current, 1),
    k: () => move(place.current, -1),
    Escape: () => visit("talk"),
  });
  const answer = pool.now.value;
  const problem = pool.problem.value;
  return (
    <main class="place flow" ref={place}>
      <h1>{t("flow")}</h1>
      {problem && <Problem what={tell("notShown")} error={problem} />}
      {answer && !open && <p class="stale" role="status">{tell("stale", { when: secondTime(pool.seenAt ?? 0) })}</p>}
      {answer && (
        <div class={open && !problem ? "live" : "live old"}>
          <Level {...answer} />
          <Figures metrics={answer.metrics} />
          <Charts samples={pool.samples.value} {...answer.limits} />
          <Workers {...answer} onChange={() => void pool.look()} />
          <Queues answer={answer} />
          {providers.now.value && <Providers {...providers.now.value} />}
        </div>
      )}
    </main>
  );
}

interface ChartsProps {
  samples: readonly Sample[];
  backpressureThreshold: number;
  maxWorkers: number;
}

function Charts({ samples, backpressureThreshold, maxWorkers }: ChartsProps): VNode {
  const { from, to } = span(samples);
  const curve = (of: (sample: Sample) => number) => ({ points: samples.map((one) => ({ at: one.at, value: of(one) })), from, to });
  const whole = (value: number) => figure(value);
  return (
    <section>
      <h2>{tell("curves", { count: Math.round((to - from) / 60_000) })}</h2>
      <div class="charts">
        <Chart name={tell("level")} {...curve((one) => one.level)} least={1} format={(value) => figure(value, 2)} mark={backpressureThreshold} />
        <Chart name={tell("busyWorkers")} {...curve((one) => one.busy)} least={maxWorkers} format={whole} />
        <Chart name={tell("waiting")} {...curve((one) => one.waiting)} least={4} format={whole} />
        <Chart name={tell("perMinute")} {...curve((one) => one.perMinute)} least={4} format={whole} />
      </div>
    </section>
  );
}

const watches = new WeakMap<Gateway, Watches>();

/** What is known outlives a look at another place, so that the curves go on. */
function watchesOf(gateway: Gateway): Watches {
  const found = watches.get(gateway);
  if (found) return found;
  const { connection } = gateway;
  const pool = new Pool(() => connection.request("workers.list", {}));
  const providers = new Watch(() => connection.request("providers.list", {}));
  watches.set(gateway, { pool, providers });
  return { pool, providers };
}

/** Moves the focus among the rows' own buttons. */
function move(place: HTMLElement | null, by: number): void {
  const rows = [...(place?.querySelectorAll<HTMLElement>(".workers tbody tr") ?? [])].flatMap((row) => row.querySelector("button") ?? []);
  const focused = rows.findIndex((row) => row.closest("tr")?.contains(document.activeElement));
  rows[focused < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, focused + by))]?.focus();
}
