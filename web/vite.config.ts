// How the page is built and tested. No inline script, no inline asset: the server's content security
// policy allows neither.
import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { budget } from "./build/budget.ts";
import { paintOnce } from "./build/paint.ts";
import { precompress } from "./build/precompress.ts";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as {
  version: string;
};
const gateway = process.env["OPENCLAW_URL"] ?? "http://127.0.0.1:18789";

export default defineConfig({
  define: { __VERSION__: JSON.stringify(version) },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [paintOnce(), precompress(), budget(60 * 1024)],
  server: {
    proxy: { "/ws": { target: gateway, ws: true, changeOrigin: true, rewriteWsOrigin: true } },
  },
  test: { include: ["test/**/*.test.ts", "test/**/*.test.tsx"], restoreMocks: true },
});
