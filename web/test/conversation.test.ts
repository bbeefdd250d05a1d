// A conversation: words in order and each once, one form of an answer after another, nothing lost in a race.
import { beforeEach, expect, test, vi } from "vitest";
import { type ChatEvent, type Message, type Methods, textOf } from "../src/protocol.ts";
import { Conversation } from "../src/store/conversation.ts";

type Page = Methods["chat.history"]["payload"];
const KEY = "agent:main:main";
let page: Page;
let conversation: Conversation;

beforeEach(async () => {
  page = history([said("1", "r1", "waiting")]);
  conversation = new Conversation(KEY, () => Promise.resolve(page), (draw) => draw());
  await conversation.load();
});

function history(messages: Message[], hasMore = false): Page {
  return { sessionKey: KEY, messages, hasMore };
}
function said(id: string, runId: string, state: Message["state"] = "done"): Message {
  return { id, role: "user", content: [{ type: "text", text: `question ${id}` }], timestamp: Number(id), runId, state };
}
function answer(id: string, runId: string, text: string, state: Message["state"] = "done"): Message {
  return { id, role: "assistant", content: [{ type: "text", text }], timestamp: Number(id), runId, state };
}
function delta(seq: number, deltaText: string, runId = "r1"): ChatEvent {
  return { runId, sessionKey: KEY, seq, state: "delta", deltaText };
}
const spoken = () => conversation.runs.value.map(({ text }) => text);
const told = () => conversation.entries.value.map((entry) => `${entry.role} ${entry.state} ${textOf(entry)}`);

test("words append in order; a repeated or late one changes nothing", () => {
  for (const event of [delta(1, "a "), delta(2, "b "), delta(2, "b "), delta(3, "c"), delta(2, "b ")]) {
    conversation.chat(event);
  }
  expect(spoken()).toEqual(["a b c"]);
  expect(conversation.runs.value[0]?.partial).toBe(false);
  expect(told()).toEqual(["user running question 1"]);
});

test("the stored answer takes the place of the streamed one", () => {
  conversation.chat(delta(1, "a"));
  conversation.chat({ ...delta(2, ""), state: "final", message: answer("2", "r1", "all of it") });
  expect(spoken()).toEqual([]);
  expect(told()).toEqual(["user done question 1", "assistant done all of it"]);
});

test("a stopped answer keeps what was said", () => {
  conversation.chat(delta(1, "half an"));
  conversation.chat({ ...delta(2, ""), state: "aborted" });
  expect(told()).toEqual(["user aborted question 1", "assistant aborted half an"]);
});

test("messages answered by another's turn are done without an answer of their own", () => {
  conversation.received(said("2", "r2", "waiting"));
  conversation.chat({ ...delta(1, "", "r2"), state: "final", mergedInto: "r1" });
  expect(conversation.entries.value[1]).toMatchObject({ state: "done", mergedInto: "r1" });
  expect(conversation.entries.value).toHaveLength(2);
});

test("a failed attempt says when the next one is; the last one parks the message", () => {
  const failed = { ...delta(1, ""), state: "error", code: "upstream", errorMessage: "gone" } as const;
  conversation.chat({ ...failed, retryAtMs: 99 });
  expect(conversation.entries.value[0]).toMatchObject({ state: "waiting", retryAt: 99, error: { code: "upstream" } });
  conversation.chat(failed);
  expect(conversation.entries.value[0]).toMatchObject({ state: "parked", error: { code: "upstream", message: "gone" } });
  expect(conversation.entries.value[0]).not.toHaveProperty("retryAt");
  conversation.chat(delta(1, "at last"));
  expect(conversation.entries.value[0]).not.toHaveProperty("error");
});

test("an acknowledged message and its stored form are one, whichever comes first", () => {
  const outgoing = { key: "r9", sessionKey: KEY, text: "question 9", at: 9 };
  conversation.acknowledged(outgoing, "r9");
  conversation.received(said("9", "r9", "waiting"));
  conversation.received(said("10", "r10", "waiting"));
  conversation.acknowledged({ ...outgoing, key: "r10" }, "r10");
  expect(conversation.entries.value.map(({ id }) => id)).toEqual(["1", "9", "10"]);
});

test("a history that was read before something happened is read again", async () => {
  const pages: ((page: Page) => void)[] = [];
  const fetch = vi.fn(() => new Promise<Page>((resolve) => pages.push(resolve)));
  const slow = new Conversation(KEY, fetch, (draw) => draw());
  const loaded = slow.load();
  slow.chat({ ...delta(1, ""), state: "final", message: answer("2", "r1", "done meanwhile") });
  pages[0]?.(history([said("1", "r1", "running")]));
  await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
  pages[1]?.(history([said("1", "r1"), answer("2", "r1", "done meanwhile")]));
  await loaded;
  expect(slow.entries.value.map(({ state }) => state)).toEqual(["done", "done"]);
});

test("an answer that ended while the connection was away is the stored one", async () => {
  conversation.chat(delta(1, "begun"));
  conversation.interrupted();
  page = history([said("1", "r1"), answer("2", "r1", "begun and ended")]);
  await conversation.load();
  expect(spoken()).toEqual([]);
  expect(told()).toEqual(["user done question 1", "assistant done begun and ended"]);
});

test("an answer that is joined in the middle says that its beginning is missing", async () => {
  page = history([said("1", "r1", "running")]);
  await conversation.load();
  conversation.chat(delta(7, "the rest"));
  expect(conversation.runs.value[0]).toMatchObject({ text: "the rest", partial: true });
});

test("an answer whose start was heard is whole, also when the history is read between start and words", async () => {
  conversation.started("r1");
  page = history([said("1", "r1", "running")]);
  await conversation.load();
  conversation.chat(delta(2, "all of it"));
  expect(conversation.runs.value[0]).toMatchObject({ text: "all of it", partial: false });
});

test("words go on over a lost connection, although the new one counts anew", () => {
  for (const event of [delta(1, "a "), delta(2, "b "), delta(3, "c ")]) conversation.chat(event);
  conversation.interrupted();
  conversation.chat(delta(1, "e "));
  conversation.chat(delta(2, "f"));
  expect(conversation.runs.value[0]).toMatchObject({ text: "a b c e f", partial: true });
});

test("an answer whose beginning the gateway knows goes on from there", async () => {
  page = history([said("1", "r1", "running"), answer("2", "r1", "the beginning ", "running")]);
  await conversation.load();
  conversation.chat(delta(7, "and the rest"));
  expect(conversation.runs.value[0]).toMatchObject({ text: "the beginning and the rest", partial: false });
});

test("earlier messages come before, once each", async () => {
  page = history([said("5", "r5"), answer("6", "r5", "six")], true);
  await conversation.load();
  page = history([said("3", "r3"), answer("4", "r3", "four"), said("5", "r5")], false);
  await conversation.loadEarlier();
  expect(conversation.entries.value.map(({ id }) => id)).toEqual(["3", "4", "5", "6"]);
  expect(conversation.hasMore.value).toBe(false);
  page = history([said("5", "r5"), answer("6", "r5", "six")], true);
  await conversation.load();
  expect(conversation.entries.value.map(({ id }) => id)).toEqual(["3", "4", "5", "6"]);
});
