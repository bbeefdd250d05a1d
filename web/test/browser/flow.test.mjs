// The pool live: an operator sees it fill while a model answers slowly, is told in plain words when a message
// finds no room, replaces a worker, and a tenant sees nothing of all that.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESK, PHONE, assertClean, clipped, openPage, picture, say, startBrowser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";

/** Two run, and with two more waiting the third is refused. */
const concurrency = { minWorkers: 1, maxWorkers: 2, maxQueueSize: 3 };
let gateway;
let browser;
let opened;

before(async () => {
  gateway = await startGateway("simulator/story+words=2000+pace=60ms", { concurrency });
  browser = await startBrowser();
  opened = await openPage(browser);
  opened.page.setDefaultTimeout(10_000);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const level = (page) => page.getByRole("meter").first().getAttribute("aria-valuenow").then(Number);
/** Waits until the figure under this name is `value`. */
const figure = (page, name, value) =>
  page.locator(".figures div", { hasText: name }).getByText(value, { exact: true }).waitFor();

/** Writes the first message of another conversation. */
async function begin(page, text) {
  await page.getByTitle("New conversation (n)").click();
  await say(page, text);
}

test("the place is one step away, and calm", async () => {
  const { page } = opened;
  await page.goto(gateway.link);
  await page.locator(".composer textarea").waitFor();
  await page.getByRole("navigation", { name: "Places" }).getByRole("button", { name: "Flow" }).click();
  await page.getByText("Calm: nothing waits.").waitFor();
  await page.getByRole("cell", { name: "ready" }).waitFor();
  assert.equal(await level(page), 0);
  await figure(page, "Busy", "0");
  await picture(page, "flow-calm");
});

test("the level moves while a model answers slowly", async () => {
  const { page } = opened;
  await page.getByRole("button", { name: "Conversations" }).click();
  await say(page, "Tell me a story");
  await page.locator('li.answer article[aria-busy="true"]').waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  await figure(page, "Busy", "1");
  assert.ok(Math.abs((await level(page)) - 0.15) < 1e-9, "one of two workers is busy");
  await page.getByRole("cell", { name: "answering" }).waitFor();
  await page.keyboard.press("1");
  for (const text of ["The second", "The third", "The fourth"]) await begin(page, text);
  await page.getByText("Waits for its turn").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  await page.getByText("Full: new messages are refused").waitFor();
  await figure(page, "Waiting", "2");
  assert.ok((await level(page)) > 0.7);
  assert.match(await page.locator(".levels").innerText(), /0\.7 × waiting \(2 of 3\) \+ 0\.3 × busy \(2 of 2\)/);
  await page.waitForFunction(() => /L/.test(document.querySelector(".chart .curve")?.getAttribute("d") ?? ""));
});

test("who waits is shown by tenant", async () => {
  const row = opened.page.locator(".queues tbody tr");
  await row.getByRole("rowheader", { name: "main" }).waitFor();
  assert.deepEqual((await row.locator("td.number").allInnerTexts()).slice(0, 2), ["2", "2"]);
});

test("who runs the models is shown beside", async () => {
  const { page } = opened;
  const provider = page.locator(".providers tbody").first();
  await provider.getByRole("rowheader", { name: "simulator", exact: true }).waitFor();
  await provider.getByText("is asked").waitFor();
  await provider.locator("tr.model").first().getByText(/^2 of \d+$/).waitFor();
});

test("a message that finds no room is told so in plain words, and goes out by itself", async () => {
  const { page } = opened;
  await page.keyboard.press("1");
  await begin(page, "The fifth");
  await page.getByText("there is no room for this message").waitFor();
  await page.getByText(/It is sent again by itself (in \d+s|now)\./).waitFor();
  assert.equal(await page.getByText("backpressureThreshold").count(), 0);
  await page.getByText("backpressure-refused").waitFor();
  await picture(page, "flow-refused");
  await page.getByRole("button", { name: "Edit" }).click();
  assert.equal(await page.locator(".composer textarea").inputValue(), "The fifth");
  await page.locator(".composer textarea").fill("");
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  await page.getByText("Full: new messages are refused").waitFor();
});

test("it is asked each second while it is seen, and not at all when it is left", async () => {
  const { page } = opened;
  const asked = () => page.evaluate(() => performance.now());
  let looks = 0;
  const [socket] = await Promise.all([page.waitForEvent("websocket"), page.reload()]);
  socket.on("framesent", ({ payload }) => {
    if (String(payload).includes("workers.list")) looks += 1;
  });
  await page.getByText("Full: new messages are refused").waitFor();
  const begun = await asked();
  while (looks < 4) await socket.waitForEvent("framesent");
  const took = (await asked()) - begun;
  assert.ok(took > 1_500 && took < 8_000, `three more looks took ${took} ms`);
  await page.keyboard.press("1");
  await page.locator(".composer").waitFor();
  const left = looks;
  // What an operator does elsewhere takes longer than several looks would.
  await page.waitForFunction((from) => performance.now() - from > 2_500, await asked());
  assert.equal(looks, left);
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  await page.getByText("Full: new messages are refused").waitFor();
});

test("the keyboard moves between workers and opens what one does", async () => {
  const { page } = opened;
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const focused = await page.evaluate(() => document.activeElement?.closest("tr")?.querySelector("th")?.textContent);
  assert.match(focused ?? "", /^worker-\d+$/);
  await page.keyboard.press("Enter");
  await page.locator('li.answer article[aria-busy="true"]').waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("2");
  await page.getByRole("heading", { name: "Workers" }).waitFor();
});

test("a worker is replaced after a question", async () => {
  const { page } = opened;
  const row = page.locator(".workers tbody tr", { hasText: "answering" }).first();
  const worker = await row.locator("th").innerText();
  await row.getByRole("button", { name: `Replace ${worker}` }).click();
  await page.getByRole("dialog").getByText("It finishes its turn").waitFor();
  await picture(page, "flow-replace");
  await page.getByRole("dialog").getByRole("button", { name: "Replace" }).click();
  await page.getByText(`${worker} finishes its turn, then a new one takes its place.`).waitFor();
  await page.locator(".workers tbody tr", { hasText: worker }).getByText("last turn").waitFor();
});

test("under the pointer a curve tells how it was then", async () => {
  const { page } = opened;
  const chart = page.locator(".chart").first();
  await chart.locator("svg").hover();
  await chart.locator("time").waitFor();
  assert.deepEqual(await clipped(page), []);
  await picture(page, "flow-pointed");
  await page.mouse.move(0, 0);
  await chart.locator("time").waitFor({ state: "detached" });
});

test("dark looks like light", async () => {
  const { page } = opened;
  await picture(page, "flow-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await picture(page, "flow-dark");
  await page.emulateMedia({ colorScheme: "light" });
});

for (const [tag, word] of [["en", "Full: new"], ["ru", "Заполнено"], ["zh", "已满"]]) {
  test(`${tag} fits on a desk and on a phone`, async () => {
    const { page } = opened;
    await page.getByRole("combobox").last().selectOption(tag);
    await page.getByText(word).waitFor();
    for (const [name, viewport] of [["desk", DESK], ["phone", PHONE]]) {
      await page.setViewportSize(viewport);
      await picture(page, `flow-${tag}-${name}`);
      assert.deepEqual(await clipped(page), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await page.locator(".providers").scrollIntoViewIfNeeded();
      await picture(page, `flow-${tag}-${name}-end`);
    }
    await page.setViewportSize(DESK);
    await page.getByRole("combobox").last().selectOption("en");
  });
}

test("a tenant's own page has no such place", async () => {
  const { token } = await gateway.command("tenants", "create", "aliya");
  const { page, context, bad } = await openPage(browser);
  await page.goto(`${gateway.url}#token=${token}`);
  await page.locator(".composer textarea").waitFor();
  assert.equal(await page.locator(".rail").count(), 0);
  await page.goto(`${gateway.url}#/flow/`);
  await page.locator(".composer textarea").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Flow" }).count(), 0);
  assertClean(bad);
  await context.close();
});

test("figures of before are shown as such while the gateway is gone", async () => {
  const { page } = opened;
  await gateway.kill();
  await page.getByText(/These are the figures of/).waitFor();
  await picture(page, "flow-no-connection");
  await gateway.restart();
  // What waited before waits again, so there may be no room at once.
  await page.getByRole("status").getByText(/All is well|No room/).waitFor();
  await page.getByText(/These are the figures of/).waitFor({ state: "detached" });
  assertClean(opened.bad.filter((line) => !line.includes("ERR_CONNECTION_REFUSED")));
});
