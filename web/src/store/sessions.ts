// Which conversations there are: the gateway's list, the tenants in it, and conversations begun here that
// the gateway has not heard of yet.
import { batch, computed, signal } from "@preact/signals";
import { type Agent, type Session, tenantOf } from "../protocol.ts";
import { letters } from "../random.ts";
import { load, save } from "../storage.ts";

const TENANT = "tenant";

export class Sessions {
  readonly agents = signal<Agent[]>([]);
  readonly tenant = signal(load(TENANT) ?? "");
  readonly query = signal("");
  readonly loaded = signal(false);
  private readonly listed = signal<Session[]>([]);
  private readonly begun = signal<Session[]>([]);

  /** The tenant's conversations, the latest first. */
  readonly all = computed(() => {
    const known = new Set(this.listed.value.map((session) => session.key));
    const fresh = this.begun.value.filter((session) => !known.has(session.key));
    return [...fresh, ...this.listed.value]
      .filter((session) => session.agentId === this.tenant.value)
      .sort((a, b) => b.updatedAt - a.updatedAt);
  });

  /** Those of them that the search finds. */
  readonly found = computed(() => {
    const query = this.query.value.trim().toLocaleLowerCase();
    if (!query) return this.all.value;
    return this.all.value.filter((session) =>
      [session.title, session.lastText, session.key].some((text) => text?.toLocaleLowerCase().includes(query)),
    );
  });

  takeAgents(agents: Agent[], defaultId: string): void {
    this.agents.value = agents;
    const known = agents.some((agent) => agent.id === this.tenant.value);
    if (!known) this.tenant.value = defaultId || (agents[0]?.id ?? "");
  }

  takeList(sessions: Session[]): void {
    this.listed.value = sessions;
    this.loaded.value = true;
  }

  selectTenant(id: string): void {
    batch(() => {
      this.tenant.value = id;
      this.query.value = "";
      this.listed.value = [];
      this.loaded.value = false;
    });
    save(TENANT, id);
  }

  /** A conversation of this name, as far as the list knows it. */
  find(key: string): Session | undefined {
    return [...this.listed.value, ...this.begun.value].find((session) => session.key === key);
  }

  /** Makes a conversation that the gateway learns of with its first message. */
  begin(key = `agent:${this.tenant.value}:web:direct:${letters(8)}`): string {
    if (!this.find(key)) this.begun.value = [...this.begun.value, fresh(key)];
    return key;
  }
}

function fresh(key: string): Session {
  return {
    key,
    agentId: tenantOf(key),
    channel: "web",
    state: "idle",
    updatedAt: Date.now(),
    waiting: 0,
    parked: 0,
  };
}
