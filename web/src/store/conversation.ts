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
  /** Runs of which something was missed that the gateway could not tell when it was asked. */
  private readonly missed = new Set<string>();
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
    this.missed.clear();
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

  chat(event: ChatEvent): void {
    if (event.state === "delta") this.speaks(event);
    else if (event.state === "error") this.failed(event);
    else this.ended(event);
  }

  private speaks(event: ChatEvent): void {
    const { runId, offset = 0 } = event;
    const run = this.speaking.get(runId);
    const next = run ? extend(run, event) : offset === 0 || this.missed.has(runId) ? this.first(event) : undefined;
    if (next) {
      this.speaking.set(runId, next);
      this.draw();
    } else {
      this.miss(event);
    }
  }

  /** A run that is heard for the first time. */
  private first({ runId, deltaText = "", offset = 0 }: ChatEvent): Run {
    this.mark(runId, { state: "running" });
    const beside = this.entries.value.filter((one) => one.role === "user" && one.state === "waiting");
    return begin(runId, deltaText, offset, beside.map((one) => one.runId ?? ""));
  }

  /** These words do not follow from those that are known. The gateway has them all; should it be asked in
   * vain, the answer goes on without its beginning until it is stored. */
  private miss(event: ChatEvent): void {
    // What is on its way was written after these words were said.
    if (this.loading) return;
    if (this.missed.has(event.runId)) {
      this.speaking.set(event.runId, this.first(event));
      this.draw();
    } else {
      this.missed.add(event.runId);
      void this.load().catch(() => {});
    }
  }

  private ended(event: ChatEvent): void {
    this.changes += 1;
    const { runId, mergedInto, message, state } = event;
    const run = this.speaking.get(runId);
    const ended = state === "aborted" ? "aborted" : "done";
    this.mark(runId, { state: ended, ...(mergedInto !== undefined && { mergedInto }) });
    this.forget(runId);
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
    this.forget(event.runId);
    const error = { code: event.code ?? event.errorKind ?? "unknown", message: event.errorMessage ?? "" };
    const retryAt = event.retryAtMs;
    if (retryAt === undefined) this.mark(event.runId, { state: "parked", error });
    else this.mark(event.runId, { state: "waiting", error, retryAt });
    this.publish();
  }

  private forget(runId: string): void {
    this.speaking.delete(runId);
    this.missed.delete(runId);
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

  /** Goes on with the answers that are being given from where the gateway says they are, which is never less
   * than what was heard of them; drops those that ended, or begin anew, while nobody listened. */
  private resume(messages: Message[]): void {
    const partial = messages.filter((one) => one.role === "assistant" && one.state === "running");
    const told = new Map(partial.map((message) => [message.runId ?? "", textOf(message)]));
    for (const runId of [...this.speaking.keys()]) {
      if (!told.has(runId) && messages.some((one) => one.runId === runId)) this.speaking.delete(runId);
    }
    for (const [runId, text] of told) {
      this.speaking.set(runId, begin(runId, text, 0, this.speaking.get(runId)?.beside ?? []));
      this.missed.delete(runId);
    }
    this.publish();
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
