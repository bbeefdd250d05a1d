// The thin strip on top: is it well, who answers, and is that a real model. Beside it the page's own switches.
import type { VNode } from "preact";
import type { Link } from "../connection.ts";
import { LANGUAGES, type Language, language, setLanguage, soon, t } from "../i18n.ts";
import { type Health, codeOf } from "../protocol.ts";
import { type Look, look, setLook } from "../store/look.ts";
import { useSeconds } from "../store/now.ts";
import { useGateway } from "./context.ts";
import { Icon } from "./icon.tsx";
import { showKeys } from "./keys.tsx";

export function Strip(): VNode {
  const gateway = useGateway();
  const link = gateway.connection.link.value;
  const health = gateway.health.value;
  return (
    <header class="strip">
      <div class="well">
        <State link={link} health={health} />
        {link.kind === "waiting" && link.problem && (
          <p class="notice">{link.problem.message} <code>{codeOf(link.problem)}</code></p>
        )}
        {health && <Facts health={health} />}
        {health?.model.simulated && <p class="notice">{t("simulated")}</p>}
        {health && !health.config.ok && (
          <p class="notice">{t("badConfig", { problem: health.config.problem ?? "" })}</p>
        )}
      </div>
      {health && <Turns turns={health.turns} />}
      <Switches />
    </header>
  );
}

function State({ link, health }: { link: Link; health: Health | undefined }): VNode {
  const now = useSeconds(link.kind === "waiting");
  const [tone, words] = describe(link, health, now);
  return (
    <p class="state" role="status" aria-label={t("health")}>
      <span class={`dot ${tone}`} aria-hidden="true" />
      <span>{words}</span>
    </p>
  );
}

function describe(link: Link, health: Health | undefined, now: number): [tone: string, words: string] {
  if (link.kind === "waiting") {
    return ["bad", t("reconnecting", { when: soon(link.retryAt, now) })];
  }
  if (link.kind !== "open") return ["busy", t("connecting")];
  if (health && !health.ok) return ["bad", [t("unwell"), health.store.code].filter(Boolean).join(": ")];
  // Whoever writes now is refused: that is not well, though nothing is broken.
  if ((health?.concurrency?.saturation ?? 0) >= 1) return ["bad", t("full")];
  return ["good", t("well")];
}

function Facts({ health }: { health: Health }): VNode {
  const { inbox, model } = health;
  return (
    <ul class="facts">
      <li title={t("model")}>{model.primary}</li>
      {inbox.parked > 0 && <li class="bad">{t("parkedCount", { count: inbox.parked })}</li>}
    </ul>
  );
}

/** What comes and goes with every turn stands in room that is left over, so that it moves nothing. */
function Turns({ turns }: { turns: Health["turns"] }): VNode {
  const { running, waiting } = turns;
  return (
    <p class="turns">
      {running > 0 && <span>{t("running", { count: running })}</span>}
      {waiting > 0 && <span>{t("waitingCount", { count: waiting })}</span>}
    </p>
  );
}

const NEXT_LOOK: Record<Look, Look> = { system: "light", light: "dark", dark: "system" };
const LOOK_NAME = { system: "lookSystem", light: "lookLight", dark: "lookDark" } as const;

export function Switches(): VNode {
  const shown = look.value;
  return (
    <div class="switches">
      <select
        aria-label={t("language")}
        value={language.value}
        onChange={(event) => setLanguage(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>{name}</option>
        ))}
      </select>
      <button type="button" class="square" title={t(LOOK_NAME[shown])} aria-label={t(LOOK_NAME[shown])} onClick={() => setLook(NEXT_LOOK[shown])}>
        <Icon name={shown} />
      </button>
      <button type="button" class="square with-keys" title={`${t("keys")} (?)`} aria-label={t("keys")} onClick={showKeys}>
        <Icon name="keys" />
      </button>
    </div>
  );
}
