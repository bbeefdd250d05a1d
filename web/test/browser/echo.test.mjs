// A model that repeats every word: what a stranger writes runs nowhere, and what a person writes while the
// gateway is gone arrives once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answered, assertClean, openPage, picture, say, startBrowser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";

const ATTACK = `<script>window.hacked = 1</script> <img src="https://evil.test/x" onerror="window.hacked = 2">
[harmless](javascript:window.hacked=3) [honest](https://example.com/a) ![pixel](https://evil.test/pixel.png)

| a | b |
|---|--:|
| <b onclick="window.hacked=4">x</b> | 12 |

\`\`\`html
<script>window.hacked = 5</script>
\`\`\``;

let gateway;
let browser;
let opened;

before(async () => {
  gateway = await startGateway("simulator/echo");
  browser = await startBrowser();
  opened = await openPage(browser);
  await opened.page.goto(gateway.link);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("what a model says is never more than words, links and shapes", async () => {
  const { page, bad } = opened;
  await page.locator(".composer textarea").fill(ATTACK);
  await page.keyboard.press("Enter");
  await answered(page, 1);
  const answer = page.locator("li.answer .markdown");
  assert.equal(await answer.locator("script, img, iframe, [onclick], [onerror], [style]").count(), 0);
  const links = await answer.locator("a").evaluateAll((found) => found.map(({ href, rel }) => [href, rel]));
  assert.ok(links.some(([href]) => href === "https://example.com/a"));
  for (const [href, rel] of links) {
    assert.match(href, /^https?:/);
    assert.match(rel, /noopener/);
  }
  assert.equal(await answer.locator("td").count(), 2);
  assert.match(await answer.locator("pre").innerText(), /window\.hacked = 5/);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await picture(page, "markdown");
  assertClean(bad);
});

test("what is written while the gateway is gone is sent once when it is back", async () => {
  const { page, bad } = opened;
  await gateway.kill();
  await page.getByText(/No connection/).waitFor();
  await say(page, "written in the dark");
  await page.getByText("Kept here").waitFor();
  await picture(page, "no-connection");
  await gateway.restart();
  await page.getByText("All is well").waitFor();
  await answered(page, 2);
  assert.equal(await page.locator("li.said", { hasText: "written in the dark" }).count(), 1);
  await page.reload();
  await answered(page, 2);
  assert.equal(await page.locator("li.said", { hasText: "written in the dark" }).count(), 1);
  // The browser itself reports each attempt that finds nobody.
  assertClean(bad.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")));
});

test("two tabs show the same conversation", async () => {
  const { page, context, bad } = opened;
  const other = await context.newPage();
  await other.goto(gateway.url);
  await answered(other, 2);
  await say(page, "seen in both");
  await answered(page, 3);
  await answered(other, 3);
  assert.equal(await other.locator("li.said", { hasText: "seen in both" }).count(), 1);
  assertClean(bad.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")));
  await other.close();
});
