// @vitest-environment jsdom
// The whole model over a socket of the test's own: what it asks, and what survives a lost connection.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Credential } from "../src/credential.ts";
import { Gateway } from "../src/gateway.ts";
import { offered, placeOf } from "../src/frame/places.ts";
import { type Hello, textOf } from "../src/protocol.ts";
import { type FakeSocket, dialled, settled } from "./socket.ts";

const MAIN = "agent:main:main";
let sockets: FakeSocket[];
let gateway: Gateway;

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  const { dial, sockets: opened } = dialled();
  sockets = opened;
  gateway = new Gateway({
    open: dial.open,
    credential: new Credential("link"),
    version: "1",
    frame: (draw) => draw(),
  });
  gateway.start();
});
afterEach(() => void vi.useRealTimers());

async function welcome(socket: FakeSocket | undefined): Promise<void> {
  socket?.welcomes({ deviceToken: "device" });
  await settled();
  socket?.answers("sessions.subscribe", { subscribed: true });
  socket?.answers("agents.list", { defaultId: "main", agents: [{ id: "main" }] });
  await settled();
  socket?.answers("sessions.list", { sessions: [] });
  socket?.answers("health", { ok: true });
  await settled();
}

test("subscribes before it reads a history", async () => {
  gateway.conversation(MAIN);
  await welcome(sockets[0]);
  const methods = sockets[0]?.sent.map(({ method }) => method) ?? [];
  expect(methods.indexOf("sessions.subscribe")).toBeLessThan(methods.indexOf("chat.history"));
});

test("a message whose answer was lost is sent once more, with the same key and the device token", async () => {
  await welcome(sockets[0]);
  gateway.outbox.add(MAIN, "hello");
  await settled();
  const first = sockets[0]?.last("chat.send");
  sockets[0]?.breaks();
  await vi.advanceTimersByTimeAsync(1_000);
  await welcome(sockets[1]);
  expect(sockets[1]?.last("connect")?.params).toMatchObject({ auth: { token: "device" } });
  expect(sockets[1]?.all("chat.send").map(({ params }) => params)).toEqual([first?.params]);
  const key = first?.params["idempotencyKey"];
  const conversation = gateway.conversation(MAIN);
  sockets[1]?.answers("chat.send", { runId: key, status: "duplicate" });
  await settled();
  expect(gateway.outbox.messages.value).toEqual([]);
  const stored = { id: "7", role: "user", content: [{ type: "text", text: "hello" }], timestamp: 7, runId: key, state: "done" };
  // Asked when it was opened, and again because of the duplicate.
  for (let turn = 0; turn < 3; turn += 1) {
    sockets[1]?.answers("chat.history", { sessionKey: MAIN, messages: [stored], hasMore: false });
    await settled();
  }
  expect(conversation.loaded.value).toBe(true);
  expect(conversation.entries.value.map(textOf)).toEqual(["hello"]);
});

test("knows whose page it is, and what the gateway has for it", async () => {
  sockets[0]?.welcomes({ tenant: "aliya", scopes: ["operator.read", "operator.write"] });
  await settled();
  expect([gateway.isOperator, gateway.isAdmin, gateway.offers("workers.list")]).toEqual([false, false, false]);
  expect(offered(gateway).map(({ id }) => id)).toEqual(["talk"]);
  const known = gateway.hello.value as Hello;
  const methods = ["workers.list"];
  gateway.hello.value = { ...known, features: { methods, events: [] } };
  expect(placeOf("flow", gateway).id).toBe("talk");
  gateway.hello.value = { ...gateway.hello.value, auth: { role: "operator", scopes: ["operator.admin"] } };
  expect([gateway.isOperator, gateway.isAdmin]).toEqual([true, true]);
  expect(offered(gateway).map(({ id }) => id)).toEqual(["talk", "flow"]);
  expect(placeOf("flow", gateway).id).toBe("flow");
});

test("reads the open conversation again after each connect", async () => {
  await welcome(sockets[0]);
  gateway.conversation(MAIN);
  sockets[0]?.answers("chat.history", { sessionKey: MAIN, messages: [], hasMore: false });
  await settled();
  sockets[0]?.breaks();
  await vi.advanceTimersByTimeAsync(1_000);
  await welcome(sockets[1]);
  expect(sockets[1]?.all("chat.history")).toHaveLength(1);
});

test("events of other conversations than those at hand change nothing here", async () => {
  await welcome(sockets[0]);
  const conversation = gateway.conversation(MAIN);
  sockets[0]?.tells("chat", { runId: "x", sessionKey: "agent:main:web:direct:b", seq: 1, state: "delta", offset: 0, deltaText: "no" });
  sockets[0]?.tells("chat", { runId: "y", sessionKey: MAIN, seq: 1, state: "delta", offset: 0, deltaText: "yes" });
  expect(conversation.runs.value.map(({ text }) => text)).toEqual(["yes"]);
});

test("a burst of changes asks for one list", async () => {
  await welcome(sockets[0]);
  for (let change = 0; change < 10; change += 1) sockets[0]?.tells("sessions.changed", {});
  const before = sockets[0]?.all("sessions.list").length ?? 0;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sockets[0]?.all("sessions.list")).toHaveLength(before + 1);
});

test("a conversation nobody has spoken in is empty, not broken", async () => {
  await welcome(sockets[0]);
  const key = gateway.sessions.begin();
  expect(key).toMatch(/^agent:main:web:direct:[a-z0-9]{8}$/);
  const conversation = gateway.conversation(key);
  sockets[0]?.refuses("chat.history", { code: "NOT_FOUND", message: "no such session" });
  await settled();
  expect(conversation.loaded.value).toBe(true);
  expect(conversation.problem.value).toBeUndefined();
});
