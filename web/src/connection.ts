// One living connection to the gateway: handshake, requests, events, reconnecting with a growing pause.
// It knows nothing of conversations, and keeps no request over a lost connection: its caller does.
import { signal } from "@preact/signals";
import {
  CLOSE_REFUSED,
  CLOSE_SILENT,
  type EventName,
  type Events,
  type Hello,
  type Method,
  type Methods,
  PROTOCOL,
  type Refusal,
  type ResponseFrame,
} from "./protocol.ts";
import { uuid } from "./random.ts";

/** The part of a WebSocket that is used; tests hand in their own. */
export type Socket = Pick<WebSocket, "onmessage" | "onclose" | "send" | "close">;

export type Link =
  | { kind: "closed" }
  | { kind: "connecting" }
  | { kind: "open"; hello: Hello }
  | { kind: "waiting"; retryAt: number; problem?: Refusal }
  | { kind: "refused"; problem?: Refusal };

/** What connects, as whom. `token` is asked anew for each attempt. */
export interface Dial {
  open(): Socket;
  token(): string | undefined;
  version: string;
  /** Called when the credential was refused, `unknown` when it is not one; true to try again with another. */
  refused(unknown: boolean): boolean;
}

/** The gateway's "no" to one request. */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** The answer to a request is unknown: the connection went away, or it took too long. */
export class Unanswered extends Error {}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
const REQUEST_TIME = 30_000;
const HANDSHAKE_TIME = 15_000;
const UNKNOWN = "UNAUTHORIZED";
const REFUSALS = new Set([UNKNOWN, "FORBIDDEN"]);

interface Waiting {
  answer(frame: ResponseFrame): void;
  lost(): void;
}
type Timer = ReturnType<typeof setTimeout>;

export class Connection {
  readonly link = signal<Link>({ kind: "closed" });
  private readonly dial: Dial;
  private socket: Socket | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private readonly listeners = new Map<EventName, ((payload: never) => void)[]>();
  private readonly opened: ((hello: Hello) => void)[] = [];
  private pause = FIRST_PAUSE;
  private retry: Timer | undefined;
  private silence: Timer | undefined;
  private patience = HANDSHAKE_TIME;
  private problem: Refusal | undefined;

  constructor(dial: Dial) {
    this.dial = dial;
  }

  on<E extends EventName>(event: E, listen: (payload: Events[E]) => void): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listen]);
  }

  onOpen(listen: (hello: Hello) => void): void {
    this.opened.push(listen);
  }

  /** Connects now, without waiting for the end of a pause; does nothing while there is a connection. */
  connect(): void {
    if (this.socket) return;
    clearTimeout(this.retry);
    if (this.dial.token() === undefined) {
      this.link.value = { kind: "refused" };
      return;
    }
    this.problem = undefined;
    this.patience = HANDSHAKE_TIME;
    this.link.value = { kind: "connecting" };
    const socket = this.dial.open();
    this.socket = socket;
    socket.onmessage = ({ data }) => this.receive(socket, data);
    socket.onclose = ({ code }) => this.lost(socket, code);
    this.heard();
  }

  /** Tries again when the person or the browser has reason to think that it works now. */
  wake(): void {
    if (this.link.value.kind === "waiting") this.connect();
  }

  /** Leaves the connection, if there is one, and connects with the credential of now. */
  renew(): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(1000);
    for (const request of [...this.waiting.values()]) request.lost();
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  request<M extends Method>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["payload"]> {
    if (this.link.value.kind !== "open") return Promise.reject(new Unanswered("not connected"));
    return this.ask(method, params);
  }

  private ask<M extends Method>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["payload"]> {
    return new Promise((resolve, reject) => {
      const id = uuid();
      const settle = (then: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        then();
      };
      const lost = () => settle(() => reject(new Unanswered(`no answer to ${method}`)));
      const timer = setTimeout(lost, REQUEST_TIME);
      this.waiting.set(id, {
        lost,
        answer: (frame) =>
          settle(() => {
            if (frame.ok) resolve(frame.payload as Methods[M]["payload"]);
            else reject(new Refused(frame.error));
          }),
      });
      this.socket?.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  private receive(socket: Socket, data: unknown): void {
    if (socket !== this.socket) return;
    this.heard();
    const frame = parse(data);
    if (frame?.type === "res") this.waiting.get(frame.id)?.answer(frame);
    if (frame?.type === "event") this.event(frame.event as EventName, frame.payload);
  }

  private event(name: EventName, payload: unknown): void {
    if (name === "connect.challenge") void this.introduce();
    // A gateway that says goodbye comes back at once, as a rule.
    if (name === "shutdown") this.pause = FIRST_PAUSE;
    for (const listen of this.listeners.get(name) ?? []) listen(payload as never);
  }

  private async introduce(): Promise<void> {
    const socket = this.socket;
    const token = this.dial.token() ?? "";
    try {
      const hello = await this.ask("connect", {
        minProtocol: PROTOCOL,
        maxProtocol: PROTOCOL,
        client: { id: "webchat-ui", version: this.dial.version, platform: "web", mode: "webchat" },
        role: "operator",
        scopes: ["operator.read", "operator.write", "operator.admin"],
        caps: [],
        auth: { token },
      });
      this.pause = FIRST_PAUSE;
      this.patience = 2 * hello.policy.tickIntervalMs;
      this.heard();
      this.link.value = { kind: "open", hello };
      for (const listen of this.opened) listen(hello);
    } catch (error) {
      if (!(error instanceof Refused) || socket !== this.socket || !socket) return;
      this.problem = error.refusal;
      const refused = REFUSALS.has(error.refusal.code);
      socket.close();
      this.lost(socket, refused ? CLOSE_REFUSED : 1000);
    }
  }

  /** The gateway lives: start anew to count its silence. */
  private heard(): void {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      socket?.close(CLOSE_SILENT, "tick timeout");
      // A dead network lets `onclose` wait for a minute; the person shall not.
      if (socket) this.lost(socket, CLOSE_SILENT);
    }, this.patience);
  }

  private lost(socket: Socket, code: number): void {
    if (socket !== this.socket) return;
    const wasOpen = this.link.value.kind === "open";
    this.socket = undefined;
    clearTimeout(this.silence);
    for (const request of [...this.waiting.values()]) request.lost();
    if (code === CLOSE_REFUSED && !wasOpen) this.turnedAway();
    else this.later();
  }

  private turnedAway(): void {
    if (this.dial.refused(this.problem?.code === UNKNOWN)) this.connect();
    else this.link.value = { kind: "refused", ...(this.problem && { problem: this.problem }) };
  }

  private later(): void {
    const pause = Math.max(this.pause, this.problem?.retryAfterMs ?? 0);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    this.retry = setTimeout(() => this.connect(), pause);
    const retryAt = Date.now() + pause;
    this.link.value = { kind: "waiting", retryAt, ...(this.problem && { problem: this.problem }) };
  }
}

type Incoming = ResponseFrame | { type: "event"; event: string; payload?: unknown };

function parse(data: unknown): Incoming | undefined {
  try {
    const frame = JSON.parse(String(data)) as Incoming | null;
    return typeof frame === "object" && frame !== null ? frame : undefined;
  } catch {
    return undefined;
  }
}
