// Why a message is not taken or not answered, in one plain sentence. Knows the stable codes that a person can
// do something about or wait for; for every other code there are the gateway's own words.
import { t } from "../i18n.ts";
import type { Messages } from "../messages/en.ts";

const REASONS: Readonly<Record<string, keyof Messages>> = {
  "backpressure-refused": "backpressureRefused",
  "tenant-queue-full": "tenantQueueFull",
  "tenant-rate-limited": "tenantRateLimited",
  "worker-stuck": "workerStuck",
  "worker-memory": "workerMemory",
  "turn-deadline": "turnDeadline",
  "token-budget-exceeded": "tokenBudgetExceeded",
  "money-budget-exceeded": "moneyBudgetExceeded",
  "budget-approval-needed": "budgetApprovalNeeded",
  "provider-limit": "providerLimit",
  "all-models-failed": "allModelsFailed",
  "person-suspended": "personSuspended",
  "tenant-suspended": "tenantSuspended",
};

/** The sentence for a code in the language of now. */
export function reasonOf(code: string): string | undefined {
  const key = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return key && t(key);
}

/** The codes that have a sentence. */
export const KNOWN: readonly string[] = Object.keys(REASONS);
