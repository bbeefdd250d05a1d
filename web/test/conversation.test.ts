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
function delta(offset: number, deltaText: string, runId = "r1"): ChatEvent {
  return { runId, sessionKey: KEY, seq: 1, state: "delta", offset, deltaText };
}
/** What the gateway tells when it says these words one after another. */
function deltas(...words: string[]): ChatEvent[] {
  return words.map((word, at) => delta(new TextEncoder().encode(words.slice(0, at).join("")).length, word));
}
/** A conversation whose histories come when the test lets them. */
function slowly() {
  const pages: ((page: Page) => void)[] = [];
  const fetch = vi.fn(() => new Promise<Page>((resolve) => pages.push(resolve)));
  const slow = new Conversation(KEY, fetch, (draw) => draw());
  const comes = async (messages: Message[]) => {
    pages.shift()?.(history(messages));
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { slow, fetch, comes, spoken: () => slow.runs.value.map(({ text }) => text) };
}
const spoken = () => conversation.runs.value.map(({ text }) => text);
const told = () => conversation.entries.value.map((entry) => `${entry.role} ${entry.state} ${textOf(entry)}`);

test("words append in order; a repeated or late one changes nothing", () => {
  for (const event of [delta(0, "a "), delta(2, "b "), delta(2, "b "), delta(4, "c"), delta(2, "b ")]) {
    conversation.chat(event);
  }
  expect(spoken()).toEqual(["a b c"]);
  expect(told()).toEqual(["user running question 1"]);
});

test("the stored answer takes the place of the streamed one", () => {
  conversation.chat(delta(0, "a"));
  conversation.chat({ ...delta(2, ""), state: "final", message: answer("2", "r1", "all of it") });
  expect(spoken()).toEqual([]);
  expect(told()).toEqual(["user done question 1", "assistant done all of it"]);
});

test("a stopped answer keeps what was said", () => {
  conversation.chat(delta(0, "half an"));
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
  conversation.chat(delta(0, "at last"));
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
  const { slow, fetch, comes } = slowly();
  const loaded = slow.load();
  slow.chat({ ...delta(0, ""), state: "final", message: answer("2", "r1", "done meanwhile") });
  await comes([said("1", "r1", "running")]);
  expect(fetch).toHaveBeenCalledTimes(2);
  await comes([said("1", "r1"), answer("2", "r1", "done meanwhile")]);
  await loaded;
  expect(slow.entries.value.map(({ state }) => state)).toEqual(["done", "done"]);
});

test("an answer that ended while the connection was away is the stored one", async () => {
  conversation.chat(delta(0, "begun"));
  page = history([said("1", "r1"), answer("2", "r1", "begun and ended")]);
  await conversation.load();
  expect(spoken()).toEqual([]);
  expect(told()).toEqual(["user done question 1", "assistant done begun and ended"]);
});

const WORDS = ["Привет, ", "мир! ", "你好", "世界 ", "👋🏽 ", "👨‍👩‍👧", " naïve ", "\uFEFF", "end"];

for (const [joined] of WORDS.entries()) {
  test(`an answer joined after ${joined} words goes on without a gap or a doubled word`, async () => {
    const events = deltas(...WORDS);
    const { slow, fetch, comes, spoken } = slowly();
    const loaded = slow.load();
    // Heard before the history is there, in it, and told once more after it.
    for (const event of events.slice(Math.max(0, joined - 2), joined)) slow.chat(event);
    const partial = joined > 0 ? [answer("2", "r1", WORDS.slice(0, joined).join(""), "running")] : [];
    await comes([said("1", "r1", "running"), ...partial]);
    await loaded;
    expect(spoken()).toEqual(partial.map(textOf));
    for (const [at, event] of events.entries()) {
      if (at < joined - 3) continue;
      slow.chat(event);
      expect(spoken()).toEqual([WORDS.slice(0, Math.max(joined, at + 1)).join("")]);
    }
    expect(slow.runs.value[0]?.from).toBe(0);
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(slow.entries.value).toHaveLength(1);
  });
}

test("words cut otherwise than before are taken once", async () => {
  page = history([said("1", "r1", "running"), answer("2", "r1", "Привет 👋🏽", "running")]);
  await conversation.load();
  conversation.chat(delta(13, "👋🏽 мир"));
  expect(spoken()).toEqual(["Привет 👋🏽 мир"]);
});

test("words that were missed are asked for, once, whatever is said meanwhile", async () => {
  const { slow, fetch, comes, spoken } = slowly();
  const loaded = slow.load();
  await comes([said("1", "r1", "running"), answer("2", "r1", "a ", "running")]);
  await loaded;
  slow.chat(delta(4, "c "));
  slow.chat(delta(6, "d "));
  expect(spoken()).toEqual(["a "]);
  expect(fetch).toHaveBeenCalledTimes(2);
  await comes([said("1", "r1", "running"), answer("2", "r1", "a b c d ", "running")]);
  slow.chat(delta(6, "d "));
  slow.chat(delta(8, "e"));
  expect(spoken()).toEqual(["a b c d e"]);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test("an answer whose beginning the gateway cannot tell goes on without it", async () => {
  page = history([said("1", "r1", "running")]);
  await conversation.load();
  conversation.chat(delta(7, "lost "));
  await vi.waitFor(() => expect(spoken()).toEqual([]));
  await conversation.load();
  conversation.chat(delta(12, "the "));
  conversation.chat(delta(16, "rest"));
  expect(conversation.runs.value[0]).toMatchObject({ text: "the rest", from: 12 });
  conversation.chat({ ...delta(0, ""), state: "final", message: answer("2", "r1", "not lost the rest") });
  expect(told()).toEqual(["user done question 1", "assistant done not lost the rest"]);
});

test("another attempt at the same answer takes the place of the first", async () => {
  for (const event of deltas("Once ", "upon ", "a time")) conversation.chat(event);
  page = history([said("1", "r1", "running"), answer("3", "r1", "Once there ", "running")]);
  conversation.chat(delta(0, "Once "));
  expect(spoken()).toEqual(["Once upon a time"]);
  conversation.chat(delta(5, "there "));
  await vi.waitFor(() => expect(spoken()).toEqual(["Once there "]));
  conversation.chat(delta(11, "was"));
  expect(spoken()).toEqual(["Once there was"]);
});

test("an attempt that has said nothing yet shows none of the words of the one before", async () => {
  conversation.chat(delta(0, "begun"));
  page = history([said("1", "r1", "running")]);
  await conversation.load();
  expect(spoken()).toEqual([]);
  conversation.chat(delta(0, "anew"));
  expect(spoken()).toEqual(["anew"]);
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
