// The time that relative times are reckoned from; it moves on by itself while the page is seen.
import { signal } from "@preact/signals";

export const now = signal(Date.now());

const STEP = 10_000;

export function keepTime(): void {
  const tick = () => {
    if (document.visibilityState === "visible") now.value = Date.now();
  };
  setInterval(tick, STEP);
  document.addEventListener("visibilitychange", tick);
}
