// What a person has sent and the gateway has not acknowledged: kept over reloads, sent again with the
// same key until there is an answer. A message leaves only acknowledged or taken back by the person.
import { signal } from "@preact/signals";
import { Refused } from "./connection.ts";
import type { Methods, Millis, Refusal } from "./protocol.ts";
import { uuid } from "./random.ts";
import { load, names, onRemoved, remove, save } from "./storage.ts";

export interface Outgoing {
  /** The idempotency key, which is also the name of the run. */
  key: string;
  sessionKey: string;
  text: string;
  at: Millis;
  /** Why the gateway does not take it; it is not sent again by itself. */
  refusal?: Refusal;
  /** Why the gateway does not take it yet; it is sent again. */
  delay?: Refusal;
  /** When it is sent again. */
  retryAt?: Millis;
}

type Send = (params: Methods["chat.send"]["params"]) => Promise<Methods["chat.send"]["payload"]>;
type Acknowledged = (message: Outgoing, answer: Methods["chat.send"]["payload"]) => void;

const PREFIX = "outbox.";
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** However late the gateway says: it may take the message earlier, and a timer of weeks would go off at once. */
const LONGEST_WAIT = 60 * 60_000;

export class Outbox {
  readonly messages = signal<Outgoing[]>(stored());
  private readonly send: Send;
  private readonly acknowledged: Acknowledged;
  private readonly busy = new Set<string>();
  private pause = FIRST_PAUSE;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(send: Send, acknowledged: Acknowledged) {
    this.send = send;
    this.acknowledged = acknowledged;
    onRemoved((name) => {
      if (name.startsWith(PREFIX)) this.forget(name.slice(PREFIX.length));
    });
  }

  /** Keeps the text first, then sends it. */
  add(sessionKey: string, text: string): void {
    // The clock may stand still or go back; the order of what one person wrote may not.
    const last = this.messages.value.at(-1)?.at ?? 0;
    const message = { key: uuid(), sessionKey, text, at: Math.max(Date.now(), last + 1) };
    keep(message);
    this.messages.value = [...this.messages.value, message];
    void this.flushSession(sessionKey);
  }

  /** Sends everything again that has no answer yet; called after each connect. */
  flush(): void {
    clearTimeout(this.retry);
    for (const sessionKey of new Set(this.messages.value.map((message) => message.sessionKey))) {
      void this.flushSession(sessionKey);
    }
  }

  /** Tries a refused message once more. */
  again(name: string): void {
    const message = this.messages.value.find((one) => one.key === name);
    if (!message) return;
    const { key, sessionKey, text, at } = message;
    this.replace({ key, sessionKey, text, at });
    void this.flushSession(sessionKey);
  }

  /** Gives a refused message's text back to the person. */
  takeBack(key: string): string {
    const text = this.messages.value.find((one) => one.key === key)?.text ?? "";
    remove(PREFIX + key);
    this.forget(key);
    return text;
  }

  /** One after another, so that the gateway gets them in the order in which they were written. */
  private async flushSession(sessionKey: string): Promise<void> {
    if (this.busy.has(sessionKey)) return;
    this.busy.add(sessionKey);
    try {
      for (let next = this.next(sessionKey); next; next = this.next(sessionKey)) await this.deliver(next);
    } catch (error) {
      this.later(error instanceof Refused ? error.refusal.retryAfterMs : undefined);
    } finally {
      this.busy.delete(sessionKey);
    }
  }

  private next(sessionKey: string): Outgoing | undefined {
    return this.messages.value.find((one) => one.sessionKey === sessionKey && !one.refusal);
  }

  /** Throws when the same message has to be sent again later. */
  private async deliver(message: Outgoing): Promise<void> {
    const { key, sessionKey, text, at } = message;
    try {
      const answer = await this.send({ sessionKey, message: text, idempotencyKey: key });
      this.pause = FIRST_PAUSE;
      this.acknowledged(message, answer);
      remove(PREFIX + key);
      this.forget(key);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { refusal } = error;
      const retryAt = Date.now() + (refusal.retryAfterMs ?? this.pause);
      this.replace({ key, sessionKey, text, at, ...(refusal.retryable ? { delay: refusal, retryAt } : { refusal }) });
      if (refusal.retryable) throw error;
    }
  }

  private later(after = this.pause): void {
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.flush(), Math.min(after, LONGEST_WAIT));
  }

  private replace(message: Outgoing): void {
    keep(message);
    this.messages.value = this.messages.value.map((one) => (one.key === message.key ? message : one));
  }

  private forget(key: string): void {
    this.messages.value = this.messages.value.filter((one) => one.key !== key);
  }
}

function keep(message: Outgoing): void {
  save(PREFIX + message.key, JSON.stringify(message));
}

function stored(): Outgoing[] {
  return names(PREFIX)
    .flatMap((name) => {
      try {
        return [JSON.parse(load(name) ?? "") as Outgoing];
      } catch {
        return [];
      }
    })
    .sort((a, b) => a.at - b.at);
}
