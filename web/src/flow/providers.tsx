// Those who run the models: whether they are asked, how much of their limits is left, what is on its way.
import type { ComponentChildren, VNode } from "preact";
import { figure, quantity } from "../i18n.ts";
import type { Circuit, Model, Provider, Room } from "../protocol.ts";
import { tell } from "./words.ts";

export function Providers({ providers }: { providers: readonly Provider[] }): VNode {
  return (
    <section class="rows providers">
      <h2>{tell("providers")}</h2>
      {providers.length === 0 ? <p class="empty">{tell("noProviders")}</p> : (
        <table>
          <thead>
            <tr>
              <th scope="col">{tell("provider")}</th>
              <th scope="col">{tell("state")}</th>
              <th scope="col" class="number">{tell("inFlight")}</th>
              <th scope="col" class="number">{tell("waiting")}</th>
              <th scope="col" class="number">{tell("requestsLeft")}</th>
              <th scope="col" class="number">{tell("tokensLeft")}</th>
              <th scope="col" class="number">{tell("firstToken")}</th>
              <th scope="col" class="number">{tell("failures")}</th>
            </tr>
          </thead>
          {providers.map((provider) => (
            <tbody key={provider.id}>
              <ProviderRow provider={provider} />
              {provider.models.map((model) => <ModelRow key={model.id} model={model} />)}
            </tbody>
          ))}
        </table>
      )}
    </section>
  );
}

const TONES: Record<Circuit, string> = { closed: "good", "half-open": "busy", open: "bad" };

function ProviderRow({ provider }: { provider: Provider }): VNode {
  const { id, endpoint, circuit, quota, lastError } = provider;
  return (
    <tr>
      <th scope="row" title={endpoint ?? undefined}><b class="title">{id}</b></th>
      <td class="doing">
        <span class={`dot ${quota.pausedMs > 0 ? "bad" : TONES[circuit] ?? ""}`} aria-hidden="true" />
        {doing(provider)}
      </td>
      <Cell of="flying">{share(quota.inFlight, quota.concurrent?.limit)}</Cell>
      <Cell of="queued">{figure(quota.waiting)}</Cell>
      <Left of="requests" name={tell("requestsLeft")} room={quota.requests} />
      <Left of="tokens" name={tell("tokensLeft")} room={quota.tokens} />
      <Cell of="first" />
      <Cell of="failed">
        {lastError && <code title={lastError.text}>{lastError.code}, {tell("before", { time: seconds(lastError.agoMs) })}</code>}
      </Cell>
    </tr>
  );
}

function ModelRow({ model }: { model: Model }): VNode {
  const { id, inFlight, adaptiveLimit, requests, failures, firstTokenMs } = model;
  return (
    <tr class="model">
      <th scope="row"><span class="title">{id}</span></th>
      <td class="doing" />
      <Cell of="flying">{share(inFlight, adaptiveLimit)}</Cell>
      <Cell of="queued" />
      <Cell of="requests" />
      <Cell of="tokens" />
      <Cell of="first">{firstTokenMs == null ? "–" : quantity(firstTokenMs / 1_000, "second", firstTokenMs < 1_000 ? 2 : 1)}</Cell>
      <Cell of="failed">{share(failures, requests)}</Cell>
    </tr>
  );
}

function Cell({ of, children }: { of: string; children?: ComponentChildren }): VNode {
  return <td class={`number ${of}`}>{children}</td>;
}

function Left({ of, name, room }: { of: string; name: string; room: Room | null }): VNode {
  return room ? <td class={`number ${of}`} data-name={name}>{share(room.remaining, room.limit)}</td> : <Cell of={`${of} unlimited`}>–</Cell>;
}

/** Whether it is asked, and if not, for how long. */
function doing({ circuit, circuitOpenMs, quota }: Provider): string {
  if (circuit === "open") return tell("leftAlone", { time: seconds(circuitOpenMs) });
  if (quota.pausedMs > 0) return tell("paused", { time: seconds(quota.pausedMs) });
  return circuit === "half-open" ? tell("tried") : tell("asked");
}

/** So much of so much; without an end when there is none. */
function share(part: number, whole: number | undefined): string {
  return whole === undefined ? figure(part) : tell("of", { part: figure(part), whole: figure(whole) });
}


function seconds(milliseconds: number): string {
  return quantity(Math.ceil(milliseconds / 1_000), "second");
}
