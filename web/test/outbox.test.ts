// @vitest-environment jsdom
// The outbox: a person's words are never lost and never doubled.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refused, Unanswered } from "../src/connection.ts";
import { Outbox } from "../src/outbox.ts";
import type { Methods } from "../src/protocol.ts";
import { settled } from "./socket.ts";

type Params = Methods["chat.send"]["params"];
type Answer = Methods["chat.send"]["payload"];

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => void vi.useRealTimers());

const lost = () => Promise.reject(new Unanswered("lost"));
const started = ({ idempotencyKey }: Params): Promise<Answer> =>
  Promise.resolve({ runId: idempotencyKey, status: "started" });
const refuse = (retryable: boolean, retryAfterMs?: number) => () =>
  Promise.reject(
    new Refused({ code: "NO", message: "no", retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) }),
  );

test("keeps a message before it is sent and forgets it when it is acknowledged", async () => {
  let kept = 0;
  const acknowledged = vi.fn();
  const send = (params: Params) => {
    kept = localStorage.length;
    return started(params);
  };
  const outbox = new Outbox(send, acknowledged);
  outbox.add("agent:main:main", "hello");
  expect(outbox.messages.value).toHaveLength(1);
  await settled();
  expect(kept).toBe(1);
  expect(acknowledged).toHaveBeenCalledOnce();
  expect(outbox.messages.value).toEqual([]);
  expect(localStorage.length).toBe(0);
});

test("sends again with the same key after a lost connection, in the order of writing", async () => {
  const send = vi.fn<(params: Params) => Promise<Answer>>(lost);
  const outbox = new Outbox(send, () => {});
  outbox.add("agent:main:main", "one");
  await settled();
  outbox.add("agent:main:main", "two");
  await settled();
  const keys = outbox.messages.value.map(({ key }) => key);
  send.mockClear();
  send.mockImplementation(started);
  outbox.flush();
  await settled();
  expect(send.mock.calls.map(([params]) => [params.message, params.idempotencyKey])).toEqual([
    ["one", keys[0]],
    ["two", keys[1]],
  ]);
  expect(outbox.messages.value).toEqual([]);
});

test("a new page finds what the old one could not send", async () => {
  new Outbox(lost, () => {}).add("agent:main:main", "before the reload");
  await settled();
  const send = vi.fn(started);
  const outbox = new Outbox(send, () => {});
  expect(outbox.messages.value.map(({ text }) => text)).toEqual(["before the reload"]);
  outbox.flush();
  await settled();
  expect(send).toHaveBeenCalledOnce();
});

test("does not send a message twice while its answer is awaited", async () => {
  let answer: (answer: Answer) => void = () => {};
  const send = vi.fn(() => new Promise<Answer>((resolve) => { answer = resolve; }));
  const outbox = new Outbox(send, () => {});
  outbox.add("agent:main:main", "once");
  outbox.flush();
  outbox.flush();
  await settled();
  expect(send).toHaveBeenCalledOnce();
  answer({ runId: "r", status: "duplicate" });
  await settled();
  expect(outbox.messages.value).toEqual([]);
});

test("tries again by itself, after the time the gateway asks for", async () => {
  const send = vi.fn<(params: Params) => Promise<Answer>>(refuse(true, 5_000));
  const outbox = new Outbox(send, () => {});
  outbox.add("agent:main:main", "later");
  await settled();
  expect(outbox.messages.value[0]?.delay?.code).toBe("NO");
  expect(outbox.messages.value[0]?.retryAt).toBe(Date.now() + 5_000);
  send.mockImplementation(started);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(send).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(1);
  expect(outbox.messages.value).toEqual([]);
});

test("a wait of weeks does not become none", async () => {
  const send = vi.fn<(params: Params) => Promise<Answer>>(refuse(true, 40 * 86_400_000));
  const outbox = new Outbox(send, () => {});
  outbox.add("agent:main:main", "next month");
  await settled();
  await vi.advanceTimersByTimeAsync(59 * 60_000);
  expect(send).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(send).toHaveBeenCalledTimes(2);
});

test("a refused message stays, blocks nothing, and goes out when the person says so", async () => {
  const send = vi.fn(({ message, ...rest }: Params) =>
    message === "bad" ? refuse(false)() : started({ message, ...rest }),
  );
  const outbox = new Outbox(send, () => {});
  outbox.add("agent:main:main", "bad");
  outbox.add("agent:main:main", "good");
  await settled();
  expect(outbox.messages.value.map(({ text, refusal }) => [text, refusal?.code])).toEqual([["bad", "NO"]]);
  expect(new Outbox(send, () => {}).messages.value[0]?.refusal?.code).toBe("NO");
  const key = outbox.messages.value[0]?.key ?? "";
  send.mockImplementation(started);
  outbox.again(key);
  await settled();
  expect(send.mock.lastCall?.[0].idempotencyKey).toBe(key);
  expect(outbox.messages.value).toEqual([]);
});

test("gives a refused text back", async () => {
  const outbox = new Outbox(refuse(false), () => {});
  outbox.add("agent:main:main", "my words");
  await settled();
  expect(outbox.takeBack(outbox.messages.value[0]?.key ?? "")).toBe("my words");
  expect(outbox.messages.value).toEqual([]);
  expect(localStorage.length).toBe(0);
});

test("conversations do not wait for one another", async () => {
  const sent: string[] = [];
  const outbox = new Outbox(({ message, ...rest }) => {
    sent.push(message);
    return message === "stuck" ? new Promise(() => {}) : started({ message, ...rest });
  }, () => {});
  outbox.add("agent:main:main", "stuck");
  outbox.add("agent:main:main", "behind it");
  outbox.add("agent:main:web:direct:b", "free");
  await settled();
  expect(sent).toEqual(["stuck", "free"]);
});

test("works on with the browser's storage full", async () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => { throw new DOMException("full"); });
  const outbox = new Outbox(started, () => {});
  outbox.add("agent:main:main", "still sent");
  await settled();
  expect(outbox.messages.value).toEqual([]);
});
