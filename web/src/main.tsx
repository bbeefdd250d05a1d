// Starts the page. Before anything else it takes the token out of the address.
import { render } from "preact";
import { takeToken, Credential } from "./credential.ts";
import { GatewayContext } from "./frame/context.ts";
import { Frame } from "./frame/frame.tsx";
import { Gateway } from "./gateway.ts";
import { restoreLanguage } from "./i18n.ts";
import { restoreLook } from "./store/look.ts";
import { keepTime } from "./store/now.ts";
import { follow } from "./store/route.ts";
import "./style/base.css";
import "./style/frame.css";
import "./style/talk.css";
import "./style/markdown.css";

const credential = new Credential(takeToken());
restoreLook();
restoreLanguage();
keepTime();

const gateway = new Gateway({
  credential,
  version: __VERSION__,
  // The gateway is where the page came from; no address is ever read from anywhere else.
  open: () => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`),
  frame: (draw) => requestAnimationFrame(draw),
});

// A link opened in a tab that shows the page already changes the address only.
window.addEventListener("hashchange", () => {
  const token = takeToken();
  if (token !== undefined) gateway.signIn(token);
});
follow();
window.addEventListener("online", () => gateway.connection.wake());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") gateway.connection.wake();
});
gateway.start();

render(
  <GatewayContext.Provider value={gateway}>
    <Frame />
  </GatewayContext.Provider>,
  document.getElementById("page") as HTMLElement,
);
