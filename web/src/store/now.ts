// The time that relative times are reckoned from; it moves on by itself while the page is seen.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

export const now = signal(Date.now());

const STEP = 10_000;

export function keepTime(): void {
  const tick = () => {
    if (document.visibilityState === "visible") now.value = Date.now();
  };
  setInterval(tick, STEP);
  document.addEventListener("visibilitychange", tick);
}

/** The time, moving on each second while somebody waits for it. */
export function useSeconds(active: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!active) return undefined;
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }, [active]);
  return now;
}
