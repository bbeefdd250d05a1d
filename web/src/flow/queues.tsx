// Who waits and who is answered, by tenant: the longest wait on top.
import type { VNode } from "preact";
import { useGateway } from "../frame/context.ts";
import { figure, quantity } from "../i18n.ts";
import { type Answer, tenantsOf } from "./pool.ts";
import { tell } from "./words.ts";

export function Queues({ answer }: { answer: Answer }): VNode {
  const tenants = tenantsOf(answer);
  const agents = useGateway().sessions.agents.value;
  return (
    <section class="rows queues">
      <h2>{tell("queues")}</h2>
      {tenants.length === 0 ? <p class="empty">{tell("noQueues")}</p> : (
        <table>
          <thead>
            <tr>
              <th scope="col">{tell("tenant")}</th>
              <th scope="col">{tell("tier")}</th>
              <th scope="col" class="number">{tell("answered")}</th>
              <th scope="col" class="number">{tell("waiting")}</th>
              <th scope="col" class="number">{tell("longest")}</th>
            </tr>
          </thead>
          <tbody>
            {tenants.map(({ tenant, tier, running, waiting, oldestMs }) => (
              <tr key={tenant}>
                <th scope="row"><span class="title">{tenant}</span></th>
                <td class="tier">{tier || agents.find(({ id }) => id === tenant)?.tier}</td>
                <td class="number" data-name={tell("answered")}>{figure(running)}</td>
                <td class="number" data-name={tell("waiting")}>{figure(waiting)}</td>
                <td class="number longest" data-name={tell("longest")}>{waiting > 0 ? quantity(Math.floor(oldestMs / 1_000), "second") : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
