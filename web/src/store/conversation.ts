// One conversation as the page knows it: stored messages, and answers that are being given.
// It changes only by what the gateway says; what is not yet acknowledged lives in the outbox.
import { signal } from "@preact/signals";
import type { Outgoing } from "../outbox.ts";
import { type ChatEvent, type Message, type Methods, type Refusal, textOf } from "../protocol.ts";
import { type Run, begin, extend } from "./run.ts";
import type { Entry } from "./thread.ts";

type Page = Methods["chat.history"]["payload"];
type Fetch = (params: Methods["chat.history"]["params"]) => Promise<Page>;

const PAGE = 50;
const ATTEMPTS = 4;

export class Conversation {
  readonly key: string;
  readonly entries = signal<Entry[]>([]);
  readonly runs = signal<readonly Run[]>([]);
  readonly loaded = signal(false);
  readonly hasMore = signal(false);
  readonly problem = signal<Refusal | undefined>(undefined);
  private readonly fetch: Fetch;
  private readonly frame: (draw: () => void) => void;
  private readonly speaking = new Map<string, Run>();
  /** Runs that were under way when this page began to listen. */
  private late = new Set<string>();
  /** Runs that are heard from their start on. */
  private readonly heard = new Set<string>();
  private drawing = false;
  private changes = 0;
  private loading = false;

  /** @param frame calls back when the screen can show something new */
  constructor(key: string, fetch: Fetch, frame: (draw: () => void) => void) {
    this.key = key;
    this.fetch = fetch;
    this.frame = frame;
  }

  /** Takes over what the gateway has stored; again when something happened while it was asked. */
  async load(): Promise<void> {
    if (this.loading) {
      this.changes += 1;
      return;
    }
    this.loading = true;
    try {
      for (let attempt = 1, seen = -1; attempt <= ATTEMPTS && seen !== this.changes; attempt += 1) {
        seen = this.changes;
        const page = await this.fetch({ sessionKey: this.key, limit: PAGE });
        if (seen === this.changes || attempt === ATTEMPTS) this.replace(page);
      }
    } finally {
      this.loading = false;
    }
  }

  async loadEarlier(): Promise<void> {
    const first = this.entries.value[0];
    if (!first || !this.hasMore.value) return;
    const page = await this.fetch({ sessionKey: this.key, limit: PAGE, before: first.id });
    const known = new Set(this.entries.value.map((entry) => entry.id));
    const earlier = page.messages.filter((message) => !known.has(message.id));
    this.entries.value = [...earlier, ...this.entries.value];
    this.hasMore.value = page.hasMore && earlier.length > 0;
  }

  /** Nothing is left of what was said. */
  clear(): void {
    this.changes += 1;
    this.entries.value = [];
    this.hasMore.value = false;
    this.speaking.clear();
    this.draw();
  }

  /** The gateway has a message of ours for good. */
  acknowledged(outgoing: Outgoing, runId: string): void {
    if (this.entries.value.some((entry) => entry.role === "user" && entry.runId === runId)) return;
    this.received({
      id: `local:${outgoing.key}`,
      role: "user",
      content: [{ type: "text", text: outgoing.text }],
      timestamp: outgoing.at,
      runId,
      state: "waiting",
    });
  }

  /** A message was stored, here or in another tab. */
  received(message: Message): void {
    this.changes += 1;
    const entries = this.entries.value;
    const at = entries.findIndex((entry) => entry.id === message.id || sameRun(entry, message));
    this.entries.value =
      at < 0 ? [...entries, message] : entries.map((entry, i) => (i === at ? { ...entry, ...message } : entry));
  }

  /** A turn has begun; this page will hear all of it. */
  started(runId: string): void {
    this.heard.add(runId);
    this.mark(runId, { state: "running" });
  }

  chat(event: ChatEvent): void {
    if (event.state === "delta") this.speaks(event);
    else if (event.state === "error") this.failed(event);
    else this.ended(event);
  }

  private speaks(event: ChatEvent): void {
    const run = this.speaking.get(event.runId);
    if (run) {
      this.speaking.set(event.runId, extend(run, event));
    } else {
      this.mark(event.runId, { state: "running" });
      const beside = this.entries.value.filter((one) => one.role === "user" && one.state === "waiting");
      const late = this.late.has(event.runId) && !this.heard.has(event.runId);
      this.speaking.set(event.runId, begin(event, beside.map((one) => one.runId ?? ""), late));
    }
    this.draw();
  }

  private ended(event: ChatEvent): void {
    this.changes += 1;
    const { runId, mergedInto, message, state } = event;
    const run = this.speaking.get(runId);
    const ended = state === "aborted" ? "aborted" : "done";
    this.mark(runId, { state: ended, ...(mergedInto !== undefined && { mergedInto }) });
    this.speaking.delete(runId);
    this.heard.delete(runId);
    const text = textOf(message) || (mergedInto === undefined ? (run?.text ?? "") : "");
    if (text) {
      const content = [{ type: "text", text }];
      const id = message?.id ?? `local:answer:${runId}`;
      const timestamp = message?.timestamp ?? Date.now();
      this.received({ ...message, id, role: "assistant", content, timestamp, runId, state: ended });
    } else if (mergedInto === undefined && state === "final") {
      void this.load().catch(() => {});
    }
    this.publish();
  }

  private failed(event: ChatEvent): void {
    this.changes += 1;
    this.speaking.delete(event.runId);
    this.heard.delete(event.runId);
    const error = { code: event.code ?? event.errorKind ?? "unknown", message: event.errorMessage ?? "" };
    const retryAt = event.retryAtMs;
    if (retryAt === undefined) this.mark(event.runId, { state: "parked", error });
    else this.mark(event.runId, { state: "waiting", error, retryAt });
    this.publish();
  }

  private mark(runId: string, change: Partial<Entry>): void {
    this.entries.value = this.entries.value.map((entry) => {
      if (entry.role !== "user" || entry.runId !== runId) return entry;
      const { error: _, retryAt: __, ...rest } = entry;
      return { ...rest, ...change };
    });
  }

  private replace(page: Page): void {
    const now = this.entries.value;
    const seam = now.findIndex((entry) => entry.id === page.messages[0]?.id);
    const earlier = seam > 0 ? now.slice(0, seam) : [];
    const unlisted = now.filter(
      (one) => one.id.startsWith("local:") && !page.messages.some((message) => sameRun(one, message)),
    );
    const known = new Map(now.map((entry) => [entry.id, entry]));
    const listed = page.messages
      .filter((message) => !(message.role === "assistant" && message.state === "running"))
      .map((message) => ({ ...eventsOnly(known.get(message.id)), ...message }));
    this.entries.value = [...earlier, ...listed, ...unlisted];
    if (seam <= 0) this.hasMore.value = page.hasMore;
    this.resume(page.messages);
    this.loaded.value = true;
  }

  /** Goes on with the answers that are being given; drops those that ended while nobody listened. */
  private resume(messages: Message[]): void {
    const under = messages.filter((one) => one.role === "user" && one.state === "running");
    this.late = new Set(under.map((one) => one.runId ?? ""));
    for (const [runId, run] of this.speaking) {
      if (this.late.has(runId)) continue;
      if (messages.some((one) => one.runId === runId)) this.speaking.delete(run.runId);
    }
    for (const message of messages) {
      const { runId } = message;
      if (message.role !== "assistant" || message.state !== "running" || runId === undefined) continue;
      const run = this.speaking.get(runId);
      const text = textOf(message);
      if (text.length <= (run?.text.length ?? 0)) continue;
      const beside = run?.beside ?? new Set<string>();
      this.speaking.set(runId, { runId, text, seq: run?.seq ?? 0, partial: false, beside });
    }
    this.publish();
  }

  /** The connection was lost: what is said until it is back is missing from the answers under way. */
  interrupted(): void {
    this.heard.clear();
    for (const [runId, run] of this.speaking) this.speaking.set(runId, { ...run, seq: 0, partial: true });
  }

  /** Shows new words with the next frame of the screen, however many come before it. */
  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    this.frame(() => this.publish());
  }

  private publish(): void {
    this.drawing = false;
    this.runs.value = [...this.speaking.values()];
  }
}

function sameRun(entry: Message, message: Message): boolean {
  return entry.role === message.role && entry.runId !== undefined && entry.runId === message.runId;
}

function eventsOnly(entry: Entry | undefined): Partial<Entry> {
  return entry?.mergedInto === undefined ? {} : { mergedInto: entry.mergedInto };
}
