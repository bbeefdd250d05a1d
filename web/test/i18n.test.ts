// @vitest-environment jsdom
// The languages: complete, with the same values to fill in, every plural form, and no word too many.
import { readFileSync, readdirSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { catalogs as flow } from "../src/flow/words.ts";
import { LANGUAGES, type Language, ago, catalogs, figure, language, preferred, quantity, restoreLanguage, setLanguage, soon, t } from "../src/i18n.ts";
import { KNOWN, reasonOf } from "../src/talk/reason.ts";

const tags = Object.keys(LANGUAGES) as Language[];
type Words = Record<string, string | object>;
/** The words of the page and of each place that has its own, and the folder in which they are used. */
const books: [name: string, folder: string, book: Record<Language, Words>][] = [
  ["page", "src", catalogs],
  ["flow", "src/flow", flow],
];
const formsOf = (message: string | object | undefined): string[] =>
  typeof message === "string" ? [message] : Object.values(message ?? {});
const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

beforeEach(() => localStorage.clear());

describe.each(books)("the words of %s", (_name, folder, book) => {
  const keys = Object.keys(book.en);

  describe.each(tags)("%s", (tag) => {
    test("has the keys of English, in its order", () => {
      expect(Object.keys(book[tag])).toEqual(keys);
    });
    test.each(keys)("says %s", (key) => {
      const expected = values(formsOf(book.en[key])[0] ?? "");
      for (const form of formsOf(book[tag][key])) {
        expect(form.trim()).not.toBe("");
        expect(values(form)).toEqual(expected);
      }
    });
    test("has every plural form of the language", () => {
      const wanted = new Intl.PluralRules(tag).resolvedOptions().pluralCategories.slice().sort();
      for (const key of keys) {
        const message = book[tag][key];
        if (typeof message === "object") expect(Object.keys(message).sort()).toEqual(wanted);
      }
    });
  });

  test("no key is left over", () => {
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes("messages"))
      .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
      .join("\n");
    expect(keys.filter((key) => !sources.includes(`"${key}"`))).toEqual([]);
  });
});

test("what keeps a message from its answer is said in the language of now", () => {
  for (const tag of tags) {
    setLanguage(tag);
    const said = KNOWN.map((code) => reasonOf(code));
    expect(new Set(said).size).toBe(KNOWN.length);
  }
  expect(reasonOf("constructor")).toBeUndefined();
  expect(reasonOf("store-full")).toBeUndefined();
});

test("quantities have the digits and units of the language", () => {
  setLanguage("ru");
  expect([figure(0.5, 2), quantity(1.25, "second", 1), quantity(12, "megabyte")].map((text) => text.replace(/\s/g, " "))).toEqual(["0,50", "1,3 с", "12 МБ"]);
  setLanguage("en");
  expect([figure(12_345), quantity(42, "percent")]).toEqual(["12,345", "42%"]);
});

test("the language is the browser's first that the page speaks, until one is chosen", () => {
  expect(preferred(["de-DE", "ru-RU", "en"])).toBe("ru");
  expect(preferred(["zh-Hant-TW"])).toBe("zh");
  expect(preferred(["de", "constructor"])).toBe("en");
  restoreLanguage();
  expect(language.value).toBe("en");
  setLanguage("zh");
  language.value = "en";
  restoreLanguage();
  expect(language.value).toBe("zh");
  expect(document.documentElement.lang).toBe("zh-Hans");
});

test("counts in the forms of the language", () => {
  setLanguage("ru");
  expect([1, 3, 5, 21].map((count) => t("waitingCount", { count }))).toEqual([
    "1 сообщение в очереди",
    "3 сообщения в очереди",
    "5 сообщений в очереди",
    "21 сообщение в очереди",
  ]);
});

test("times are relative, and a clock that is ahead makes nothing the future", () => {
  setLanguage("en");
  const now = 1_000_000_000_000;
  expect(ago(now + 5_000, now)).toBe("now");
  expect(ago(now - 5 * 60_000, now)).toBe("5m ago");
  expect(ago(now - 26 * 3_600_000, now)).toBe("1d ago");
  expect(ago(now - 800 * 86_400_000, now)).toBe("2y ago");
  expect(soon(now + 12_000, now)).toBe("in 12s");
  expect(soon(now - 1, now)).toBe("now");
});
