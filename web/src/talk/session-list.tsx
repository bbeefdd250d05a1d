// The conversations of one tenant: what each is called, what it is doing, when it was last touched.
import type { RefObject, VNode } from "preact";
import { useGateway } from "../frame/context.ts";
import { Icon } from "../frame/icon.tsx";
import { absoluteTime, ago, t } from "../i18n.ts";
import type { Session } from "../protocol.ts";
import { now } from "../store/now.ts";
import { go } from "../store/route.ts";

interface Props {
  rail: RefObject<HTMLElement | null>;
  open: string;
  onOpen(key: string): void;
  onBegin(): void;
  onClose(): void;
}

export function SessionList({ rail, open, onOpen, onBegin, onClose }: Props): VNode {
  const { sessions } = useGateway();
  return (
    <nav class="list" ref={rail} aria-label={t("conversations")}>
      <TenantSwitch />
      <div class="tools">
        <input
          type="search"
          placeholder={t("search")}
          aria-label={t("search")}
          value={sessions.query.value}
          onInput={(event) => { sessions.query.value = event.currentTarget.value; }}
          onKeyDown={(event) => {
            const first = sessions.found.value[0];
            if (event.key === "Enter" && first && !event.isComposing) onOpen(first.key);
          }}
        />
        <button type="button" class="square" title={`${t("newConversation")} (n)`} aria-label={t("newConversation")} onClick={onBegin}>
          <Icon name="plus" />
        </button>
        <button type="button" class="square phone" aria-label={t("close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <Rows open={open} onOpen={onOpen} />
    </nav>
  );
}

function TenantSwitch(): VNode | null {
  const gateway = useGateway();
  const { sessions } = gateway;
  const agents = sessions.agents.value;
  if (agents.length < 2) return null;
  const select = (id: string) => {
    gateway.selectTenant(id);
    go("talk");
  };
  return (
    <select class="tenant" aria-label={t("tenant")} value={sessions.tenant.value} onChange={(event) => select(event.currentTarget.value)}>
      {agents.map(({ id, name }) => <option key={id} value={id}>{name || id}</option>)}
    </select>
  );
}

function Rows({ open, onOpen }: Pick<Props, "open" | "onOpen">): VNode | null {
  const { sessions } = useGateway();
  const found = sessions.found.value;
  if (found.length > 0) {
    return (
      <ul class="sessions">
        {found.map((session) => <Row key={session.key} session={session} isOpen={session.key === open} onOpen={onOpen} />)}
      </ul>
    );
  }
  if (!sessions.loaded.value) return null;
  const query = sessions.query.value.trim();
  return <p class="empty">{query ? t("nothingFound", { query }) : t("noConversations")}</p>;
}

const TONES = { idle: "", active: "good", processing: "busy", expired: "", suspended: "bad" } as const;
const STATES = {
  idle: "stateIdle",
  active: "stateActive",
  processing: "stateProcessing",
  expired: "stateExpired",
  suspended: "stateSuspended",
} as const;

function Row({ session, isOpen, onOpen }: { session: Session; isOpen: boolean; onOpen(key: string): void }): VNode {
  const { key, state, updatedAt, waiting, parked, channel } = session;
  const title = titleOf(session);
  return (
    <li>
      <button type="button" aria-current={isOpen ? "true" : undefined} onClick={() => onOpen(key)}>
        <span class={`dot ${parked > 0 ? "bad" : TONES[state]}`} title={stateOf(session)} />
        <span class="unseen">{stateOf(session)}</span>
        <span class="title" title={title}>{title}</span>
        {channel !== "web" && <span class="tag">{channel}</span>}
        {waiting > 0 && <span class="count" title={t("waitingCount", { count: waiting })}>{waiting}</span>}
        <time dateTime={new Date(updatedAt).toISOString()} title={absoluteTime(updatedAt)}>
          {ago(updatedAt, now.value)}
        </time>
      </button>
    </li>
  );
}

export function titleOf(session: Session | undefined): string {
  const peer = session?.channel === "web" ? undefined : session?.key.split(":").at(-1);
  return session?.title || session?.lastText?.replace(/\*\*|`+|^#+ /g, "").trim() || peer || t("newConversation");
}

export function stateOf({ state, parked }: Session): string {
  const words = state in STATES ? t(STATES[state]) : state;
  return parked > 0 ? `${words}; ${t("parkedCount", { count: parked })}` : words;
}
