// A browser for one test file, and pages that remember everything that should not have happened on them.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const PICTURES = fileURLToPath(new URL("../../test-results/", import.meta.url));
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export async function startBrowser() {
  await mkdir(PICTURES, { recursive: true });
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page in a browser profile of its own. `bad` lists errors, violations and requests to other hosts. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: DESK, locale: "en-US", colorScheme: "light", ...options });
  const page = await context.newPage();
  const bad = [];
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  page.on("console", (message) => {
    if (message.type() === "error") bad.push(message.text());
  });
  page.on("pageerror", (error) => bad.push(error.message));
  page.on("request", (request) => {
    if (!["127.0.0.1", "localhost"].includes(new URL(request.url()).hostname)) bad.push(`request to ${request.url()}`);
  });
  return { page, context, bad };
}

export async function picture(page, name) {
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}

/** Writes a message as a person does, and sends it. */
export async function say(page, text) {
  await page.locator(".composer textarea").fill(text);
  await page.keyboard.press("Enter");
}

/** Waits until nothing is being answered and `count` answers stand there. */
export async function answered(page, count) {
  await page.waitForFunction(
    (wanted) =>
      document.querySelectorAll("li.answer article").length === wanted &&
      !document.querySelector('[aria-busy="true"], .thinking'),
    count,
  );
}

/** Words of the page itself that do not fit where they stand; names that people gave may be cut. */
export async function clipped(page) {
  return page.evaluate(() => {
    const named = ".title, .head h1, .unseen, .unseen *, pre, pre *, select, option, textarea";
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const cut = [...document.querySelectorAll("body *")].filter((element) => {
      if (element.matches(named) || !hasText(element) || !element.checkVisibility({ visibilityProperty: true })) {
        return false;
      }
      const box = element.getBoundingClientRect();
      const inside = box.left >= -1 && box.right <= innerWidth + 1;
      const fits = element.scrollWidth <= element.clientWidth + 1 || getComputedStyle(element).display === "inline";
      return !inside || !fits;
    });
    return cut.map((element) => `${element.tagName} ${element.className}: ${element.textContent}`);
  });
}

export function assertClean(bad) {
  assert.deepEqual(bad, []);
}
