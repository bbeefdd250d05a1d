// A person and a slow answer: words arrive one after another, can be stopped, and are there after a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESK, PHONE, answered, assertClean, clipped, openPage, picture, say, startBrowser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";

let gateway;
let browser;
let opened;

before(async () => {
  gateway = await startGateway("simulator/story+words=60+pace=40ms");
  browser = await startBrowser();
  opened = await openPage(browser);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("the link lets in and leaves no trace of its token", async () => {
  const { page } = opened;
  const token = new URL(gateway.link).hash.replace("#token=", "");
  await page.goto(gateway.link);
  await page.locator(".composer textarea").waitFor();
  assert.ok(!page.url().includes(token));
  assert.ok(!(await page.evaluate(() => JSON.stringify({ ...localStorage }))).includes(token));
});

test("the strip says that all is well and that the model is simulated", async () => {
  const strip = opened.page.locator(".strip");
  await strip.getByText("All is well").waitFor();
  await strip
    .getByText("simulated model: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or edit models.providers")
    .waitFor();
});

test("words arrive one after another", async () => {
  const { page } = opened;
  await say(page, "Tell me a story");
  await page.locator("li.said .words", { hasText: "Tell me a story" }).waitFor();
  // Marks of emphasis go when their partner comes.
  const spoken = () => (document.querySelector("li.answer .markdown")?.textContent ?? "").replace(/[*_`]/g, "");
  const seen = [];
  for (let look = 0; look < 200 && seen.length < 6; look += 1) {
    const text = await page.evaluate(spoken);
    if (text && text !== seen.at(-1)) seen.push(text);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  assert.ok(seen.length >= 6, `saw the answer grow ${seen.length} times`);
  for (const [index, text] of seen.entries()) {
    if (index > 0) assert.ok(text.startsWith(seen[index - 1]), "words only ever append");
  }
  assert.equal(await page.locator('li.answer article[aria-busy="true"]').count(), 1);
  await picture(page, "streaming");
  await answered(page, 1);
  const whole = await page.locator("li.answer .markdown").innerText();
  assert.ok(whole.length > seen.at(-1).length);
});

test("an answer can be stopped", async () => {
  const { page } = opened;
  const whole = await page.locator("li.answer .markdown").first().innerText();
  await say(page, "Another one");
  await page.locator('li.answer article[aria-busy="true"] .markdown', { hasText: /\w/ }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await answered(page, 2);
  await page.locator("li.answer").nth(1).getByText("Stopped").waitFor();
  const part = await page.locator("li.answer .markdown").nth(1).innerText();
  assert.ok(part.length > 0 && part.length < whole.length);
  assert.equal(await page.getByRole("button", { name: "Stop" }).count(), 0);
});

test("a reload finds the history and the draft", async () => {
  const { page } = opened;
  const words = () => page.locator(".thread .words, .thread .markdown").allInnerTexts();
  const before = await words();
  await page.locator(".composer textarea").fill("not sent yet");
  await page.reload();
  await answered(page, 2);
  assert.deepEqual(await words(), before);
  assert.equal(await page.locator(".composer textarea").inputValue(), "not sent yet");
  await page.locator(".composer textarea").fill("");
});

test("Shift+Enter begins a new line", async () => {
  const { page } = opened;
  const field = page.locator(".composer textarea");
  await field.fill("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  assert.equal(await field.inputValue(), "one\ntwo");
  await field.fill("");
});

test("a link works once", async () => {
  const { page, context, bad } = await openPage(browser);
  await page.goto(gateway.link);
  await page.getByText("openclaw link").waitFor();
  assert.ok(!page.url().includes("token"));
  await picture(page, "no-link");
  assertClean(bad);
  await context.close();
});

test("an address in the address is not followed", async () => {
  const { page, bad } = opened;
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url()).host));
  await page.goto(`${gateway.url}?gatewayUrl=ws://evil.test/ws#server=ws://evil.test/ws`);
  await answered(page, 2);
  assert.deepEqual(sockets, [new URL(gateway.url).host]);
  assertClean(bad);
});

test("the keyboard reaches everything", async () => {
  const { page } = opened;
  await page.locator(".thread").focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await picture(page, "keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" }).catch(() => {});
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.keyboard.press("n");
  await page.getByText("Nothing has been said here yet").waitFor();
  await page.locator(".composer textarea:focus").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await answered(page, 2);
  // Opening a conversation ends with the focus in its composer, a frame later.
  await page.locator(".composer textarea:focus").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
  await page.keyboard.type("no such words");
  await page.getByText("No conversation has").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".tools input").inputValue(), "");
});

test("light, dark, and the person's choice over the system's", async () => {
  const { page } = opened;
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await picture(page, "light");
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  assert.notEqual(dark, light);
  await picture(page, "dark");
  await page.getByRole("button", { name: "Light or dark: as the system" }).click();
  assert.equal(await paper(), light);
  await page.reload();
  await answered(page, 2);
  assert.equal(await paper(), light);
  await page.getByRole("button", { name: "Light", exact: true }).click();
  assert.equal(await paper(), dark);
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await page.emulateMedia({ colorScheme: "light" });
});

for (const [tag, word] of [["en", "All is well"], ["ru", "Всё в порядке"], ["zh", "一切正常"]]) {
  test(`${tag} fits on a desk and on a phone`, async () => {
    const { page } = opened;
    await page.getByRole("combobox").last().selectOption(tag);
    await page.getByText(word).waitFor();
    for (const [name, viewport] of [["desk", DESK], ["phone", PHONE]]) {
      await page.setViewportSize(viewport);
      await picture(page, `${tag}-${name}`);
      assert.deepEqual(await clipped(page), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    }
    await page.locator(".head .phone").click();
    await page.locator(".sessions button").first().waitFor();
    await picture(page, `${tag}-phone-list`);
    assert.deepEqual(await clipped(page), []);
    await page.locator(".sessions button").first().click();
    await page.locator(".composer textarea").waitFor();
    await page.setViewportSize(DESK);
    await page.getByRole("combobox").last().selectOption("en");
  });
}

test("nothing went wrong that nobody saw", () => assertClean(opened.bad));
