// The page for somebody the gateway does not know: how to get a link, and a field for one.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n.ts";
import type { Refusal } from "../protocol.ts";
import { useGateway } from "./context.ts";
import { CopyButton } from "./copy.tsx";
import { Problem } from "./problem.tsx";
import { Switches } from "./strip.tsx";

const COMMAND = "openclaw link";

export function SignIn({ problem }: { problem: Refusal | undefined }): VNode {
  const gateway = useGateway();
  const [pasted, setPasted] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (pasted.trim()) gateway.signIn(pasted);
  };
  return (
    <main class="sign-in">
      <Switches />
      <h1>{t("linkNeeded")}</h1>
      {problem && <Problem what={t("linkRefused")} error={problem} mild />}
      <p>{t("linkExplained")}</p>
      <p class="command">
        <code>{COMMAND}</code>
        <CopyButton text={COMMAND} />
      </p>
      <form onSubmit={submit}>
        <label for="token">{t("pasteLink")}</label>
        <input id="token" type="password" autocomplete="off" spellcheck={false} value={pasted} onInput={(event) => setPasted(event.currentTarget.value)} />
        <button type="submit" class="main" disabled={!pasted.trim()}>{t("open")}</button>
      </form>
    </main>
  );
}
