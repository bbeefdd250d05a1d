// The order of reading: an answer stands below the last message that it answers.
import { expect, test } from "vitest";
import { begin } from "../src/store/run.ts";
import { type Entry, thread } from "../src/store/thread.ts";

function entry(role: Entry["role"], id: string, runId: string, change: Partial<Entry> = {}): Entry {
  return { id, role, content: [], timestamp: Number(id.slice(1)), runId, state: "done", ...change };
}
const user = (id: string, change?: Partial<Entry>) => entry("user", `u${id}`, `r${id}`, change);
const answer = (at: string, run: string) => entry("assistant", `a${at}`, `r${run}`);
const run = (runId: string, ...beside: string[]) => begin(runId, "", 0, beside);
const keys = (entries: Entry[], runs: ReturnType<typeof run>[] = []) => thread(entries, runs, []).map(({ key }) => key);

test("answers stand below their questions, not where they were stored", () => {
  expect(keys([user("1"), user("2", { state: "waiting" }), answer("3", "1")])).toEqual([
    "said:r1",
    "answer:r1",
    "said:r2",
  ]);
});

test("one answer to several stands below the last of them", () => {
  expect(keys([user("1"), user("2"), user("3"), answer("4", "1")])).toEqual([
    "said:r1",
    "said:r2",
    "said:r3",
    "answer:r1",
  ]);
  expect(keys([user("1"), user("2", { mergedInto: "r1" }), user("5", { mergedInto: "r5" }), answer("3", "1")])).toEqual(
    ["said:r1", "said:r2", "answer:r1", "said:r5"],
  );
});

test("a live answer stands below what it most likely answers, and keeps its key when it is stored", () => {
  const entries = [user("1", { state: "running" }), user("2", { state: "waiting" }), user("3", { state: "waiting" })];
  expect(keys(entries, [run("r1", "r2")])).toEqual(["said:r1", "said:r2", "answer:r1", "said:r3"]);
});

test("an answer without a known question stays where it is", () => {
  expect(keys([answer("0", "9"), user("1"), entry("assistant", "a2", "r8")])).toEqual([
    "answer:r9",
    "said:r1",
    "answer:r8",
  ]);
});

test("what is not sent yet stands last, under the key of its stored form", () => {
  const outgoing = [{ key: "r2", sessionKey: "s", text: "x", at: 2 }];
  expect(thread([user("1")], [], outgoing).map(({ key }) => key)).toEqual(["said:r1", "said:r2"]);
});

test("what is stored is not shown a second time while its acknowledgement is on the way", () => {
  const outgoing = [{ key: "r1", sessionKey: "s", text: "x", at: 1 }];
  expect(thread([user("1")], [], outgoing).map(({ kind }) => kind)).toEqual(["said"]);
});
