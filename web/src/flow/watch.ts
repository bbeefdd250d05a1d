// Something that the gateway is asked again and again. It keeps what it knew when there is no answer.
import { signal } from "@preact/signals";
import { Refused } from "../connection.ts";
import type { Refusal } from "../protocol.ts";

export class Watch<T> {
  readonly now = signal<T | undefined>(undefined);
  readonly problem = signal<Refusal | undefined>(undefined);
  private readonly ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.ask = ask;
  }

  async look(): Promise<void> {
    try {
      this.took(await this.ask());
      this.problem.value = undefined;
    } catch (error) {
      if (error instanceof Refused) this.problem.value = error.refusal;
    }
  }

  protected took(answer: T): void {
    this.now.value = answer;
  }
}
