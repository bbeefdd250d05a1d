// The words of the gateway's protocol, version 4, as far as the page speaks it: JSON text frames.
// Only types and constants; nothing here sends or keeps anything.

export const PROTOCOL = 4;
/** The close code of a refused credential, and of nothing else before `hello-ok`. */
export const CLOSE_REFUSED = 1008;
/** The close code the page uses when the gateway has been silent for too long. */
export const CLOSE_SILENT = 4000;

export interface RequestFrame<M extends Method = Method> {
  type: "req";
  id: string;
  method: M;
  params: Methods[M]["params"];
}

export type ResponseFrame =
  | { type: "res"; id: string; ok: true; payload?: unknown }
  | { type: "res"; id: string; ok: false; error: Refusal };

export interface EventFrame {
  type: "event";
  event: string;
  payload?: unknown;
  /** Counts the events of this connection from 1. */
  seq?: number;
}

/** Why a request was not done. */
export interface Refusal {
  /** One of the protocol's few. */
  code: string;
  message: string;
  /** `code` is the stable one, for programs and for `openclaw explain`. */
  details?: { code?: string };
  retryable?: boolean;
  retryAfterMs?: number;
}

/** Milliseconds since 1970, UTC. */
export type Millis = number;

export interface ConnectParams {
  minProtocol: number;
  maxProtocol: number;
  client: { id: "webchat-ui"; version: string; platform: "web"; mode: "webchat" };
  role: "operator";
  scopes: string[];
  caps: string[];
  auth: { token: string };
}

export interface Hello {
  type: "hello-ok";
  protocol: number;
  server: { version: string; connId: string };
  features: { methods: string[]; events: string[] };
  snapshot: {
    health?: Health;
    uptimeMs?: number;
    sessionDefaults: { defaultAgentId: string | null; mainKey: string; mainSessionKey: string | null };
  };
  auth: { role: string; scopes: string[]; deviceToken?: string; tenant?: string };
  policy: { maxPayload: number; maxBufferedBytes: number; tickIntervalMs: number };
}

export interface Health {
  ok: boolean;
  ts: Millis;
  uptimeMs: number;
  version: string;
  store: { engine: string; ok: boolean; code?: string };
  model: { primary: string; simulated: boolean };
  turns: { running: number; waiting: number };
  inbox: { parked: number };
  config: { ok: boolean; problem?: string };
  /** Only an operator is told. */
  concurrency?: PoolMetrics;
}

/** The pool's figures. Times are milliseconds over the last five minutes. */
export interface PoolMetrics {
  activeWorkers: number;
  idleWorkers: number;
  stuckWorkers: number;
  /** Requests that wait. */
  queueDepth: number;
  totalProcessed: number;
  totalErrors: number;
  avgLatencyMs: number;
  p95LatencyMs: number;
  p99LatencyMs: number;
  throughputPerMinute: number;
  /** 0 (calm) to 1 (everything full). */
  backpressureLevel: number;
  /** How near refusing is, 0 to 1. */
  saturation: number;
}

/** What the figures are measured against. */
export interface PoolLimits {
  minWorkers: number;
  maxWorkers: number;
  maxQueueSize: number;
  /** The level from which on new work is refused. */
  backpressureThreshold: number;
}

export type WorkerState = "idle" | "busy" | "draining" | "stuck" | "dead";

export interface Worker {
  id: string;
  state: WorkerState;
  session?: string;
  requestCount: number;
  startedAt: Millis;
  /** Time since it was last heard of. */
  silentMs: number;
  /** 0 while it has no process of its own. */
  memoryBytes: number;
  pid?: number;
}

/** What waits of one tenant. */
export interface TenantQueue {
  tenant: string;
  tier: string;
  /** Conversations that wait for a turn. */
  waiting: number;
  oldestMs: number;
}

export type Circuit = "closed" | "half-open" | "open";

/** What is left of one limit. */
export interface Room {
  limit: number;
  used: number;
  remaining: number;
}

/** Who runs models. */
export interface Provider {
  id: string;
  endpoint: string | null;
  /** Open: it is not asked. */
  circuit: Circuit;
  circuitOpenMs: number;
  quota: {
    /** In 60 seconds. */
    requests: Room | null;
    tokens: Room | null;
    concurrent: Room | null;
    inFlight: number;
    waiting: number;
    /** For how much longer it wants to be left alone. */
    pausedMs: number;
  };
  lastError: { code: string; text: string; agoMs: number } | null;
  models: Model[];
}

export interface Model {
  id: string;
  inFlight: number;
  /** How many may be in flight, as far as the provider keeps up. */
  adaptiveLimit: number;
  requests: number;
  failures: number;
  firstTokenMs: number | null;
}

/** A tenant, in the protocol's word. */
export interface Agent {
  id: string;
  name?: string;
  tier?: string;
  status?: string;
}

export type SessionState = "idle" | "active" | "processing" | "expired" | "suspended";

export interface Session {
  key: string;
  agentId: string;
  channel: string;
  title?: string;
  state: SessionState;
  updatedAt: Millis;
  lastText?: string;
  /** Messages that wait for their turn. */
  waiting: number;
  /** Messages that failed too often and wait for a person. */
  parked: number;
}

/** An assistant message that is `running` holds what has been said so far. */
export type MessageState = "done" | "waiting" | "running" | "parked" | "aborted" | "dropped";

export interface Message {
  id: string;
  role: "user" | "assistant";
  content: { type: string; text?: string }[];
  timestamp: Millis;
  runId?: string;
  state?: MessageState;
  error?: { code: string; message: string };
  model?: string;
  usage?: { input?: number; cached?: number; output?: number };
}

/** What a turn says while it runs. */
export interface ChatEvent {
  runId: string;
  sessionKey: string;
  /** Grows within a run. */
  seq: number;
  state: "delta" | "final" | "error" | "aborted";
  /** The text that was added, never all of it. */
  deltaText?: string;
  /** Length of the answer before the added text, in bytes of UTF-8. 0 begins it anew. */
  offset?: number;
  message?: Partial<Message>;
  errorKind?: string;
  errorMessage?: string;
  code?: string;
  /** When a failed turn is tried again; absent when it is not. */
  retryAtMs?: Millis;
  /** The run that carries the answer to this one too. */
  mergedInto?: string;
}

export interface Methods {
  connect: { params: ConnectParams; payload: Hello };
  health: { params: object; payload: Health };
  "agents.list": { params: object; payload: { defaultId: string | null; agents: Agent[] } };
  "sessions.subscribe": { params: object; payload: { subscribed: boolean } };
  "sessions.list": { params: { agentId?: string; includeLastMessage?: boolean }; payload: { sessions: Session[] } };
  "sessions.reset": { params: { sessionKey: string }; payload: object };
  "chat.history": {
    params: { sessionKey: string; limit?: number; before?: string };
    payload: { sessionKey: string; messages: Message[]; hasMore: boolean };
  };
  "chat.send": {
    params: { sessionKey: string; message: string; idempotencyKey: string };
    payload: { runId: string; status: "started" | "duplicate" };
  };
  "chat.abort": {
    params: { sessionKey: string; runId?: string };
    payload: { aborted: boolean; runIds: string[] };
  };
  "workers.list": { params: object; payload: { metrics: PoolMetrics; limits: PoolLimits; workers: Worker[]; queues: TenantQueue[] } };
  "providers.list": { params: object; payload: { providers: Provider[] } };
  "workers.recycle": { params: { workerId: string }; payload: { ok: boolean } };
}
export type Method = keyof Methods;

export interface Events {
  "connect.challenge": { nonce: string; ts: Millis };
  chat: ChatEvent;
  "session.message": { sessionKey: string; message: Message };
  "sessions.changed": { sessionKey?: string };
  health: Health;
  tick: { ts: Millis };
  shutdown: { reason?: string };
}
export type EventName = keyof Events;

/** All text of a message, its parts joined. */
export function textOf(message: Partial<Message> | undefined): string {
  return (message?.content ?? []).map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
}

/** The stable code of a refusal. */
export function codeOf(refusal: Refusal): string {
  return refusal.details?.code ?? refusal.code;
}

/** The tenant that a session key `agent:<tenant>:...` names; empty when it is no session key. */
export function tenantOf(sessionKey: string): string {
  const [head, tenant] = sessionKey.split(":");
  return head === "agent" && tenant ? tenant : "";
}
