// A page that comes into the middle of an answer shows what was said so far and goes on without a gap or a
// doubled word: after a reload, in a second tab, and when the gateway itself was gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answered, assertClean, openPage, picture, say, startBrowser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";

const WORDS = "Привет мир, 你好 世界, naïve café, 👋🏽 und 👨‍👩‍👧 tschüß.".split(" ");
/** A question of so many words, with letters of one to four bytes. */
const question = (count) => Array.from({ length: count }, (_, at) => `${at + 1}:${WORDS[at % WORDS.length]}`).join(" ");
const answerTo = (asked) => `You said: ${asked}`;
const LONG = question(60);

let gateway;
let browser;
let opened;

before(async () => {
  gateway = await startGateway("simulator/echo+pace=60ms");
  browser = await startBrowser();
  opened = await openPage(browser);
  await opened.page.goto(gateway.link);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const spoken = (page) => page.locator("li.answer .markdown").last().textContent();

/** Waits until the last answer is being given and has these words. */
async function reaches(page, words) {
  await page.locator('li.answer article[aria-busy="true"]', { hasText: words }).last().waitFor();
}

/** Everything that the last answer reads, one after another, until it is whole. */
async function follow(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const seen = [];
        const look = () => {
          const answer = [...document.querySelectorAll("li.answer article")].at(-1);
          const text = answer?.querySelector(".markdown")?.textContent;
          if (text && text !== seen.at(-1)) seen.push(text);
          if (answer && answer.getAttribute("aria-busy") !== "true") resolve(seen);
          else setTimeout(look, 10);
        };
        look();
      }),
  );
}

/** Each thing that was read is a beginning of the whole; none is shorter than the one before. */
function assertGrows(seen, whole, least) {
  assert.ok(seen.length > 3, `grew ${seen.length} times`);
  assert.ok(seen[0].length >= least, `began with ${JSON.stringify(seen[0])}`);
  for (const [at, text] of seen.entries()) {
    assert.ok(whole.startsWith(text), `${JSON.stringify(text)} is no beginning of ${JSON.stringify(whole)}`);
    assert.ok(at === 0 || text.length > seen[at - 1].length);
  }
  assert.equal(seen.at(-1), whole);
}

test("a reload and a second tab in the middle of an answer miss nothing", async () => {
  const { page, context, bad } = opened;
  const whole = answerTo(LONG);
  await say(page, LONG);
  await reaches(page, "12:");
  const known = (await spoken(page)).length;
  await page.reload();
  await reaches(page, "12:");
  await picture(page, "resumed");
  assert.ok((await spoken(page)).length >= known);
  const first = follow(page);
  await reaches(page, "25:");
  const other = await context.newPage();
  await other.goto(gateway.url);
  const second = follow(other);
  assertGrows(await first, whole, known);
  assertGrows(await second, whole, whole.indexOf("25:"));
  await page.reload();
  await answered(page, 1);
  assert.equal(await spoken(page), whole);
  assert.equal(await page.getByText("The beginning may be missing").count(), 0);
  await other.close();
  assertClean(bad);
});

test("a conversation is called by its first words, in the list and above it, until it starts over", async () => {
  const { page } = opened;
  const row = page.locator('.sessions [aria-current="true"] .title');
  for (const place of [row, page.locator(".head h1")]) {
    const title = await place.innerText();
    assert.ok(LONG.startsWith(title.replace(/…$/, "").trim()) && title.length > 10, title);
  }
  await picture(page, "title");
});

test("an answer that the gateway begins anew after it was gone is whole, and there once", async () => {
  const { page, bad } = opened;
  await say(page, LONG);
  await reaches(page, "15:");
  await gateway.kill();
  await page.getByText(/No connection/).waitFor();
  await picture(page, "interrupted");
  await gateway.restart();
  await page.getByText("All is well").waitFor();
  await answered(page, 2);
  assert.equal(await spoken(page), answerTo(LONG));
  assert.equal(await page.locator("li.said").count(), 2);
  // The browser itself reports each attempt that finds nobody.
  assertClean(bad.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")));
});

test("a conversation that starts over has no words to be called by", async () => {
  const { page } = opened;
  await page.getByRole("button", { name: "Start over" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Start over" }).click();
  await page.getByText("Nothing has been said here yet").waitFor();
  await page.locator(".head h1", { hasText: "New conversation" }).waitFor();
  await page.locator('.sessions [aria-current="true"] .title', { hasText: "New conversation" }).waitFor();
  await picture(page, "started-over");
});
