// @vitest-environment jsdom
// What a conversation is called: its first words, else its last, else what nobody has spoken in is called.
import { expect, test } from "vitest";
import type { Session } from "../src/protocol.ts";
import { titleOf } from "../src/talk/session-list.tsx";

const session = (change: Partial<Session> = {}): Session => ({
  key: "agent:main:main",
  agentId: "main",
  channel: "web",
  state: "active",
  updatedAt: 1,
  waiting: 0,
  parked: 0,
  ...change,
});

test("the first words come before the last, and both before the name of what is empty", () => {
  expect(titleOf(session({ title: "Hello there", lastText: "**Good** day" }))).toBe("Hello there");
  expect(titleOf(session({ lastText: "**Good** day" }))).toBe("Good day");
  expect(titleOf(session({ title: "", lastText: "" }))).toBe("New conversation");
  expect(titleOf(session())).toBe("New conversation");
  expect(titleOf(undefined)).toBe("New conversation");
});

test("who speaks on another channel is named while nothing is known of what was said", () => {
  const api = { key: "agent:main:api:direct:anna", channel: "api" };
  expect(titleOf(session(api))).toBe("anna");
  expect(titleOf(session({ ...api, title: "Hello" }))).toBe("Hello");
});
