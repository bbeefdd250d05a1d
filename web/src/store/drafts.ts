// What a person has begun to write, one draft per conversation, kept until it is sent.
import { type Signal, signal } from "@preact/signals";
import { load, remove, save } from "../storage.ts";

const drafts = new Map<string, Signal<string>>();

export function draft(sessionKey: string): Signal<string> {
  let found = drafts.get(sessionKey);
  if (!found) {
    found = signal(load(`draft.${sessionKey}`) ?? "");
    drafts.set(sessionKey, found);
  }
  return found;
}

export function write(sessionKey: string, text: string): void {
  draft(sessionKey).value = text;
  if (text) save(`draft.${sessionKey}`, text);
  else remove(`draft.${sessionKey}`);
}
