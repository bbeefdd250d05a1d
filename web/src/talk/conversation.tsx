// One open conversation: its name, what was said, and the field to say more.
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Ask } from "../frame/ask.tsx";
import { useGateway } from "../frame/context.ts";
import { Icon } from "../frame/icon.tsx";
import { Problem } from "../frame/problem.tsx";
import { t } from "../i18n.ts";
import { Refused } from "../connection.ts";
import type { Refusal } from "../protocol.ts";
import type { Conversation } from "../store/conversation.ts";
import { thread } from "../store/thread.ts";
import { Announcer } from "./announcer.tsx";
import { Composer } from "./composer.tsx";
import { stateOf, titleOf } from "./session-list.tsx";
import { Thread } from "./thread.tsx";

export function ConversationView({ sessionKey, onList }: { sessionKey: string; onList(): void }): VNode {
  const gateway = useGateway();
  const conversation = useMemo(() => gateway.conversation(sessionKey), [gateway, sessionKey]);
  const [failed, setFailed] = useState<Refusal>();
  const attempt = (action: Promise<void>) => {
    setFailed(undefined);
    action.catch((error: unknown) => {
      if (error instanceof Refused) setFailed(error.refusal);
    });
  };
  const outgoing = gateway.outbox.messages.value.filter((one) => one.sessionKey === sessionKey);
  const items = thread(conversation.entries.value, conversation.runs.value, outgoing);
  const current = running(conversation);
  const problem = conversation.problem.value;
  return (
    <main class="conversation">
      <Head sessionKey={sessionKey} isEmpty={items.length === 0} onList={onList} onReset={() => attempt(gateway.reset(sessionKey))} />
      <Thread conversation={conversation} items={items} waiting={current !== undefined} />
      <Announcer runs={conversation.runs.value} />
      {problem && <Problem what={t("notLoaded")} error={problem} about={{ session: sessionKey }} />}
      {failed && <Problem what={t("notDone")} error={failed} about={{ session: sessionKey }} />}
      <Composer sessionKey={sessionKey} {...(current && { onStop: () => attempt(gateway.abort(sessionKey, current)) })} />
    </main>
  );
}

interface HeadProps {
  sessionKey: string;
  isEmpty: boolean;
  onList(): void;
  onReset(): void;
}

function Head({ sessionKey, isEmpty, onList, onReset }: HeadProps): VNode {
  const { sessions } = useGateway();
  const [asking, setAsking] = useState(false);
  const session = sessions.find(sessionKey);
  return (
    <header class="head">
      <button type="button" class="square phone" aria-label={t("showConversations")} onClick={onList}>
        <Icon name="list" />
      </button>
      <h1 title={sessionKey}>{titleOf(session)}</h1>
      {session && <span class="muted">{stateOf(session)}</span>}
      <button type="button" class="square" title={t("startOver")} aria-label={t("startOver")} disabled={isEmpty} onClick={() => setAsking(true)}>
        <Icon name="again" />
      </button>
      {asking && <Ask question={t("startOverAsk")} yes={t("startOver")} onYes={onReset} onClose={() => setAsking(false)} />}
    </header>
  );
}

/** The run to stop: the one that speaks, or else the oldest that is to speak. */
function running({ runs, entries }: Conversation): string | undefined {
  const speaking = runs.value[0]?.runId;
  const next = entries.value.find(
    (one) => one.role === "user" && (one.state === "running" || (one.state === "waiting" && !one.retryAt)),
  );
  return speaking ?? next?.runId;
}
