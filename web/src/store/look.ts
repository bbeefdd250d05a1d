// Light or dark: the system's choice until the person makes one.
import { signal } from "@preact/signals";
import { load, remove, save } from "../storage.ts";

export type Look = "system" | "light" | "dark";

export const look = signal<Look>("system");

export function setLook(next: Look): void {
  if (next === "system") remove("look");
  else save("look", next);
  apply(next);
}

export function restoreLook(): void {
  const kept = load("look");
  apply(kept === "light" || kept === "dark" ? kept : "system");
}

function apply(next: Look): void {
  look.value = next;
  if (next === "system") delete document.documentElement.dataset["look"];
  else document.documentElement.dataset["look"] = next;
}
