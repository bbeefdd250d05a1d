// A WebSocket of the tests' own: it shows what was sent and says what the test wants said.
import type { Connection, Dial, Socket } from "../src/connection.ts";
import type { Hello, Method } from "../src/protocol.ts";

interface Sent {
  id: string;
  method: Method;
  params: Record<string, unknown>;
}

export class FakeSocket {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: Sent[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }
  close(): void {
    this.closed = true;
  }

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
  tells(event: string, payload: object): void {
    this.says({ type: "event", event, payload });
  }
  breaks(code = 1006): void {
    this.onclose?.({ code, reason: "" } as CloseEvent);
  }
  last(method: Method): Sent | undefined {
    return this.sent.findLast((frame) => frame.method === method);
  }
  all(method: Method): Sent[] {
    return this.sent.filter((frame) => frame.method === method);
  }
  answers(method: Method, payload: object): void {
    this.says({ type: "res", id: this.last(method)?.id, ok: true, payload });
  }
  refuses(method: Method, error: object): void {
    this.says({ type: "res", id: this.last(method)?.id, ok: false, error });
  }
  welcomes(change: Partial<Hello["auth"]> = {}): void {
    this.tells("connect.challenge", { nonce: "n", ts: 1 });
    this.answers("connect", hello(change));
  }
  asSocket(): Socket {
    return this as unknown as Socket;
  }
}

/** Sockets in the order in which they were opened. */
export function dialled(change: Partial<Dial> = {}): { dial: Dial; sockets: FakeSocket[] } {
  const sockets: FakeSocket[] = [];
  const open = () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket.asSocket();
  };
  return { sockets, dial: { open, token: () => "secret", version: "1", refused: () => false, ...change } };
}

export function kind(connection: Connection): string {
  return connection.link.value.kind;
}

export function hello(auth: Partial<Hello["auth"]> = {}): Hello {
  return {
    type: "hello-ok",
    protocol: 4,
    server: { version: "1", connId: "c" },
    features: { methods: [], events: [] },
    snapshot: { sessionDefaults: { defaultAgentId: "main", mainKey: "main", mainSessionKey: "agent:main:main" } },
    auth: { role: "operator", scopes: [], ...auth },
    policy: { maxPayload: 1_000_000, maxBufferedBytes: 1_000_000, tickIntervalMs: 30_000 },
  };
}

/** Lets everything that is ready to run do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
