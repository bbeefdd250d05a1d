// The language of the page: the browser's until the person chooses one. Gives words, numbers and times in it.
import { computed, signal } from "@preact/signals";
import { type Messages, type Plural, en } from "./messages/en.ts";
import { ru } from "./messages/ru.ts";
import { zh } from "./messages/zh.ts";
import { load, save } from "./storage.ts";

export const LANGUAGES = { en: "English", ru: "Русский", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

/** The same words in every language. */
export type Catalogs<M> = Record<Language, M>;
type Values = Record<string, string | number>;
type Units = "second" | "megabyte" | "percent";

export const catalogs: Catalogs<Messages> = { en, ru, zh };
export const language = signal<Language>("en");

const plurals = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(language.value));
const relative = computed(() => {
  // The narrow Russian form is a bare minus sign.
  const style = language.value === "ru" ? "short" : "narrow";
  return new Intl.RelativeTimeFormat(language.value, { style });
});
const absolute = computed(
  () => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "medium" }),
);
/** As many as there are calls of `figure` and `quantity` with other units and digits. */
const formats = new Map<string, Intl.NumberFormat>();
const clock = computed(() => new Intl.DateTimeFormat(language.value, { timeStyle: "short" }));
const second = computed(() => new Intl.DateTimeFormat(language.value, { timeStyle: "medium" }));

/** Units of time, each with how many of it make the next. */
const UNITS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
  ["week", 52],
  ["year", Number.POSITIVE_INFINITY],
] as const;

/** The words of that name in the language of now. `count` decides on the plural form. */
export const t = speaker<Messages>(catalogs);

/** Speaks with the words of one place. */
export function speaker<M extends Record<keyof M, string | Plural>>(words: Catalogs<M>) {
  return (key: keyof M, values: Values = {}): string => {
    const message: string | Plural = words[language.value][key];
    const form = typeof message === "string" ? message : plural(message, Number(values["count"] ?? 0));
    return form.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? numbers.value.format(value) : value;
    });
  };
}

/** A number with so many digits after the point, always. */
export function figure(value: number, digits = 0): string {
  return format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A number with its unit: "1.5s". */
export function quantity(value: number, unit: Units, digits = 0): string {
  return format({ style: "unit", unit, unitDisplay: "narrow", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function setLanguage(next: Language): void {
  save("language", next);
  apply(next);
}

export function restoreLanguage(): void {
  const kept = load("language");
  apply(isLanguage(kept) ? kept : preferred(navigator.languages));
}

/** The first language of the list that the page speaks. */
export function preferred(wanted: readonly string[]): Language {
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find(isLanguage);
  return known ?? "en";
}

/** How long ago: "5m ago". A clock that differs a little from the gateway's does not make it the future. */
export function ago(at: number, now: number): string {
  return now - at < 45_000 ? t("now") : relativeTime(at, now);
}

/** How soon: "in 5s". */
export function soon(at: number, now: number): string {
  return at - now < 1_000 ? t("now") : relativeTime(at, now);
}

function relativeTime(at: number, now: number): string {
  let amount = (at - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(amount) < size * 0.95) return relative.value.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

export function absoluteTime(at: number): string {
  return absolute.value.format(at);
}

export function clockTime(at: number): string {
  return clock.value.format(at);
}

function format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language.value + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(language.value, options)));
  return found;
}

/** The time of day with its second. */
export function secondTime(at: number): string {
  return second.value.format(at);
}

function plural(message: Plural, count: number): string {
  return message[plurals.value.select(count) as keyof Plural] ?? message.other;
}

function isLanguage(tag: string | undefined): tag is Language {
  return tag !== undefined && Object.hasOwn(LANGUAGES, tag);
}

function apply(next: Language): void {
  language.value = next;
  document.documentElement.lang = next === "zh" ? "zh-Hans" : next;
}
