// Lets the first paint wait for the page's script, so that nobody who chose dark sees a flash of light.
// A browser that does not know the attribute paints as ever.
import type { Plugin } from "vite";

const SCRIPT = '<script type="module" ';

export function paintOnce(): Plugin {
  return {
    name: "paint-once",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html) {
        if (!html.includes(SCRIPT)) this.error(`index.html has no ${SCRIPT}`);
        return html.replace(SCRIPT, `${SCRIPT}blocking="render" `);
      },
    },
  };
}
