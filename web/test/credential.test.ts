// @vitest-environment jsdom
// The credential: taken from the address once, gone from the history, and never anything else from there.
import { beforeEach, expect, test } from "vitest";
import { Credential, takeToken } from "../src/credential.ts";

beforeEach(() => {
  localStorage.clear();
  history.replaceState(null, "", "/");
});

test("takes the token and leaves no trace of it", () => {
  history.replaceState(null, "", "/?gatewayUrl=wss://evil.test#server=wss://evil.test&token=a%2Bb");
  expect(takeToken()).toBe("a+b");
  expect(location.href).toBe(`${location.origin}/`);
  expect(takeToken()).toBeUndefined();
});

test("an address without a token is left as it is", () => {
  history.replaceState(null, "", "/#/talk/agent%3Amain%3Amain");
  expect(takeToken()).toBeUndefined();
  expect(location.hash).toBe("#/talk/agent%3Amain%3Amain");
});

test("the device token is what is kept; the link's token is not", () => {
  const credential = new Credential("link");
  expect(credential.token).toBe("link");
  credential.accepted("device");
  expect(credential.token).toBe("device");
  expect(new Credential().token).toBe("device");
  expect(JSON.stringify({ ...localStorage })).not.toContain("link");
});

test("a used link does not lock out a browser that is known", () => {
  new Credential("first").accepted("device");
  const credential = new Credential("used");
  expect(credential.refused(true)).toBe(true);
  expect(credential.token).toBe("device");
  expect(credential.refused(false)).toBe(false);
  expect(credential.token).toBe("device");
  expect(credential.refused(true)).toBe(false);
  expect(credential.token).toBeUndefined();
});

test("a whole link may be pasted", () => {
  const credential = new Credential();
  credential.use(" http://127.0.0.1:18789/#token=abc ");
  expect(credential.token).toBe("abc");
  credential.use(" plain ");
  expect(credential.token).toBe("plain");
});
