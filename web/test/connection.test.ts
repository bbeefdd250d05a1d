// The connection: handshake, refusal, pauses between attempts, silence, requests over a lost connection.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, Refused, Unanswered } from "../src/connection.ts";
import { dialled, kind, settled } from "./socket.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("introduces itself after the challenge, not before", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  expect(sockets[0]?.sent).toEqual([]);
  sockets[0]?.welcomes();
  await settled();
  expect(sockets[0]?.sent[0]).toMatchObject({
    type: "req",
    method: "connect",
    params: {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "webchat-ui", version: "1", platform: "web", mode: "webchat" },
      role: "operator",
      scopes: ["operator.read", "operator.write", "operator.admin"],
      auth: { token: "secret" },
    },
  });
  expect(kind(connection)).toBe("open");
});

test("does not even connect without a token", () => {
  const { dial, sockets } = dialled({ token: () => undefined });
  const connection = new Connection(dial);
  connection.connect();
  expect(kind(connection)).toBe("refused");
  expect(sockets).toHaveLength(0);
});

test("a refused credential ends the attempts", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  sockets[0]?.tells("connect.challenge", { nonce: "n", ts: 1 });
  sockets[0]?.refuses("connect", { code: "UNAUTHORIZED", message: "used" });
  await settled();
  expect(connection.link.value).toMatchObject({ kind: "refused", problem: { code: "UNAUTHORIZED" } });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sockets).toHaveLength(1);
});

test("close code 1008 before hello is a refusal, and another credential is tried", async () => {
  let left = 1;
  const { dial, sockets } = dialled({ refused: () => left-- > 0 });
  const connection = new Connection(dial);
  connection.connect();
  sockets[0]?.breaks(1008);
  expect(sockets).toHaveLength(2);
  sockets[1]?.breaks(1008);
  expect(kind(connection)).toBe("refused");
});

test("close code 1008 of an open connection only reconnects", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  sockets[0]?.welcomes();
  await settled();
  sockets[0]?.breaks(1008);
  expect(kind(connection)).toBe("waiting");
});

test("pauses double from 1 s to 30 s, and begin anew after a success", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  for (const pause of [1, 2, 4, 8, 16, 30, 30]) {
    const before = sockets.length;
    sockets.at(-1)?.breaks();
    await vi.advanceTimersByTimeAsync(pause * 1_000 - 1);
    expect(sockets).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets).toHaveLength(before + 1);
  }
  sockets.at(-1)?.welcomes();
  await settled();
  sockets.at(-1)?.breaks();
  const count = sockets.length;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sockets).toHaveLength(count + 1);
});

test("leaves a gateway that is silent for two ticks", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  sockets[0]?.welcomes();
  await settled();
  await vi.advanceTimersByTimeAsync(59_000);
  sockets[0]?.tells("tick", { ts: 2 });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(kind(connection)).toBe("open");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(kind(connection)).toBe("waiting");
});

test("a lost connection leaves its requests unanswered, and late frames of it are not heard", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  const ticks: unknown[] = [];
  connection.on("tick", (tick) => ticks.push(tick));
  connection.connect();
  sockets[0]?.welcomes();
  await settled();
  const asked = connection.request("health", {});
  sockets[0]?.breaks();
  await expect(asked).rejects.toBeInstanceOf(Unanswered);
  await expect(connection.request("health", {})).rejects.toBeInstanceOf(Unanswered);
  sockets[0]?.tells("tick", { ts: 3 });
  expect(ticks).toEqual([]);
});

test("answers find their requests in any order, and a refusal carries its code", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  const socket = sockets[0];
  socket?.welcomes();
  await settled();
  const health = connection.request("health", {});
  const agents = connection.request("agents.list", {});
  socket?.answers("agents.list", { defaultId: "main", agents: [] });
  socket?.refuses("health", { code: "UNAVAILABLE", message: "later", retryable: true });
  await expect(agents).resolves.toEqual({ defaultId: "main", agents: [] });
  await expect(health).rejects.toMatchObject({ refusal: { code: "UNAVAILABLE", retryable: true } });
  await expect(health).rejects.toBeInstanceOf(Refused);
});

test("frames that are no JSON, or no frames, are passed over", async () => {
  const { dial, sockets } = dialled();
  const connection = new Connection(dial);
  connection.connect();
  for (const data of ["{", "null", "7", "[]", '{"type":"res","id":"x"}', '{"type":"event"}']) {
    sockets[0]?.onmessage?.({ data } as MessageEvent);
  }
  sockets[0]?.welcomes();
  await settled();
  expect(kind(connection)).toBe("open");
});
