// The page's whole model: one connection, the outbox, the list and the conversations, wired together.
// Views read its signals and call its verbs; it draws nothing.
import { type Signal, signal } from "@preact/signals";
import { Connection, Refused, type Socket } from "./connection.ts";
import { type Credential } from "./credential.ts";
import { Outbox } from "./outbox.ts";
import { type Health, type Hello, type Method, tenantOf } from "./protocol.ts";
import { Conversation } from "./store/conversation.ts";
import { Sessions } from "./store/sessions.ts";

export interface Surroundings {
  open(): Socket;
  credential: Credential;
  version: string;
  /** Calls back when the screen can show something new. */
  frame(draw: () => void): void;
}

/** Conversations kept at hand; the one not looked at for longest goes first. */
const KEPT = 20;
/** Milliseconds from a change to the list that shows it, and between one list and the next. */
const LIST_SOON = 150;
const LIST_PAUSE = 1_000;

export class Gateway {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly sessions = new Sessions();
  readonly health: Signal<Health | undefined> = signal(undefined);
  readonly hello: Signal<Hello | undefined> = signal(undefined);
  private readonly around: Surroundings;
  private readonly conversations = new Map<string, Conversation>();
  private relist: ReturnType<typeof setTimeout> | undefined;
  private listedAt = 0;

  constructor(around: Surroundings) {
    this.around = around;
    const { credential } = around;
    this.connection = new Connection({
      open: () => around.open(),
      version: around.version,
      token: () => credential.token,
      refused: (unknown) => credential.refused(unknown),
    });
    this.outbox = new Outbox(
      (params) => this.connection.request("chat.send", params),
      (message, { runId, status }) => {
        const conversation = this.conversations.get(message.sessionKey);
        conversation?.acknowledged(message, runId);
        if (conversation && status === "duplicate") this.load(conversation);
      },
    );
    this.listen();
  }

  start(): void {
    this.connection.connect();
  }

  /** Whether the gateway has such a method at all. */
  offers(method: Method): boolean {
    return this.hello.value?.features.methods.includes(method) ?? false;
  }

  /** Whether whoever sits here sees all tenants. */
  get isOperator(): boolean {
    const hello = this.hello.value;
    return hello !== undefined && hello.auth.tenant === undefined;
  }

  /** Whether whoever sits here may change how the gateway works. */
  get isAdmin(): boolean {
    return this.hello.value?.auth.scopes.includes("operator.admin") ?? false;
  }

  /** Lets a person in with a token or a link that they pasted. */
  signIn(pasted: string): void {
    this.around.credential.use(pasted);
    this.connection.renew();
  }

  /** The conversation of that name; loads it when it was not at hand. */
  conversation(key: string): Conversation {
    let found = this.conversations.get(key);
    if (found) {
      this.conversations.delete(key);
    } else {
      found = new Conversation(
        key,
        (params) => this.connection.request("chat.history", params),
        (draw) => this.around.frame(draw),
      );
      this.load(found);
    }
    this.conversations.set(key, found);
    for (const old of [...this.conversations.keys()].slice(0, -KEPT)) this.conversations.delete(old);
    return found;
  }

  /** The conversation a tenant begins with. */
  firstOf(tenant: string): string {
    const defaults = this.hello.value?.snapshot.sessionDefaults;
    const main = defaults?.mainSessionKey ?? "";
    const first = tenantOf(main) === tenant ? main : `agent:${tenant}:${defaults?.mainKey ?? "main"}`;
    return this.sessions.all.value[0]?.key ?? this.sessions.begin(first);
  }

  /** Goes to another tenant, who has other conversations. */
  selectTenant(id: string): void {
    this.sessions.selectTenant(id);
    this.look().catch(() => {});
  }

  async abort(sessionKey: string, runId?: string): Promise<void> {
    await this.connection.request("chat.abort", { sessionKey, ...(runId !== undefined && { runId }) });
  }

  async reset(sessionKey: string): Promise<void> {
    await this.connection.request("sessions.reset", { sessionKey });
    const conversation = this.conversation(sessionKey);
    conversation.clear();
    this.load(conversation);
  }

  private listen(): void {
    const { connection, conversations } = this;
    connection.onOpen((hello) => void this.opened(hello));
    connection.on("health", (health) => {
      this.health.value = health;
    });
    connection.on("tick", () => this.lookSoon());
    connection.on("sessions.changed", () => this.lookSoon());
    connection.on("session.message", ({ sessionKey, message }) => {
      conversations.get(sessionKey)?.received(message);
      this.lookSoon();
    });
    connection.on("chat", (event) => {
      conversations.get(event.sessionKey)?.chat(event);
      if (event.state !== "delta") this.lookSoon();
    });
  }

  private async opened(hello: Hello): Promise<void> {
    const { connection } = this;
    this.around.credential.accepted(hello.auth.deviceToken);
    this.hello.value = hello;
    if (hello.snapshot.health) this.health.value = hello.snapshot.health;
    // Subscribed first, so that nothing that happens after the history was read is missed.
    const subscribed = connection.request("sessions.subscribe", {});
    for (const conversation of this.conversations.values()) {
      this.load(conversation);
    }
    this.outbox.flush();
    try {
      const [, { agents, defaultId }] = await Promise.all([subscribed, connection.request("agents.list", {})]);
      this.sessions.takeAgents(agents, hello.auth.tenant ?? defaultId ?? "");
      await this.look();
    } catch {
      // The connection went away; all of this is asked again when it is back.
    }
  }

  private load(conversation: Conversation): void {
    conversation.problem.value = undefined;
    conversation.load().catch((error: unknown) => {
      if (!(error instanceof Refused)) return;
      // A conversation that nobody has said a word in is not stored anywhere.
      if (error.refusal.code === "NOT_FOUND") conversation.loaded.value = true;
      else conversation.problem.value = error.refusal;
    });
  }

  /** One look for a burst of changes. */
  private lookSoon(): void {
    const pause = Math.max(LIST_SOON, this.listedAt + LIST_PAUSE - Date.now());
    this.relist ??= setTimeout(() => {
      this.relist = undefined;
      this.look().catch(() => {});
    }, pause);
  }

  /** Asks how it is and what the tenant's conversations are. */
  private async look(): Promise<void> {
    this.listedAt = Date.now();
    const agentId = this.sessions.tenant.value;
    const [health, { sessions }] = await Promise.all([
      this.connection.request("health", {}),
      this.connection.request("sessions.list", { ...(agentId && { agentId }), includeLastMessage: true }),
    ]);
    this.health.value = health;
    if (agentId === this.sessions.tenant.value) this.sessions.takeList(sessions);
  }
}
