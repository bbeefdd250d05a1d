// The place of conversations: the list on the left, the open one on the right. On a phone the open one is
// the page, and the list comes over it.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useGateway } from "../frame/context.ts";
import { useKeys } from "../frame/keys.tsx";
import { t } from "../i18n.ts";
import { tenantOf } from "../protocol.ts";
import { go, route, settle } from "../store/route.ts";
import { ConversationView } from "./conversation.tsx";
import { SessionList } from "./session-list.tsx";

const PLACE = "talk";
const PHONE = "(max-width: 719px)";

export function Talk(): VNode {
  const { sessions } = useGateway();
  const [listed, setListed] = useState(false);
  const list = useRef<HTMLElement>(null);
  const key = useOpenKey();

  const open = (next: string) => {
    setListed(false);
    go(PLACE, next);
    if (!matchMedia(PHONE).matches) requestAnimationFrame(focusComposer);
  };
  const begin = () => open(sessions.begin());
  const search = () => {
    const focus = () => list.current?.querySelector("input")?.focus();
    setListed(true);
    focus();
    // On a phone the list can be focused only once it is seen.
    requestAnimationFrame(focus);
  };
  useKeys({
    "/": search,
    j: () => move(list.current, 1),
    k: () => move(list.current, -1),
    n: begin,
    w: focusComposer,
    Escape: () => {
      setListed(false);
      sessions.query.value = "";
      if (listed || isTyping()) move(list.current, 0);
    },
  });

  return (
    <div class={listed ? "talk listed" : "talk"}>
      <SessionList rail={list} open={key} onOpen={open} onBegin={begin} onClose={() => setListed(false)} />
      {key ? <ConversationView key={key} sessionKey={key} onList={() => setListed(true)} /> : <NothingOpen />}
    </div>
  );
}

function NothingOpen(): VNode {
  const { hello, sessions } = useGateway();
  const none = hello.value && sessions.loaded.value && sessions.agents.value.length === 0;
  return (
    <main class="conversation">
      {none && <p class="empty">{t("noTenants", { command: "openclaw tenants create" })}</p>}
    </main>
  );
}

/** What the address says is open; a tenant's first conversation when it says nothing that can be seen. */
function useOpenKey(): string {
  const gateway = useGateway();
  const { sessions } = gateway;
  const { open } = route.value;
  const tenant = sessions.tenant.value;
  const agents = sessions.agents.value;
  const ready = sessions.loaded.value;
  const named = agents.some(({ id }) => id === tenantOf(open));
  useEffect(() => {
    if (!ready || !tenant) return;
    if (!named) settle(PLACE, gateway.firstOf(tenant));
    else if (tenantOf(open) !== tenant) gateway.selectTenant(tenantOf(open));
    else if (!sessions.find(open)) sessions.begin(open);
  }, [ready, named, open, tenant]);
  return named ? open : "";
}

function focusComposer(): void {
  document.querySelector<HTMLElement>(".composer textarea")?.focus();
}

function isTyping(): boolean {
  return document.activeElement?.matches("input, textarea") ?? false;
}

/** Moves the focus by so many conversations from the focused or else the open one. */
function move(list: HTMLElement | null, by: number): void {
  const rows = [...(list?.querySelectorAll<HTMLElement>(".sessions button") ?? [])];
  const focused = rows.indexOf(document.activeElement as HTMLElement);
  const from = focused >= 0 ? focused : rows.findIndex((row) => row.ariaCurrent === "true");
  const step = focused >= 0 ? by : Math.max(0, by);
  rows[Math.min(rows.length - 1, Math.max(0, from + step))]?.focus();
}
