// Looking again and again, but only while somebody can see it.
import { useEffect, useRef } from "preact/hooks";

/** Calls at once, then each so many milliseconds, while the page is seen; never twice at the same time. */
export function whileSeen(every: number, look: () => Promise<void>): () => void {
  let looking = false;
  const step = () => {
    if (looking || document.visibilityState !== "visible") return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  };
  step();
  const timer = setInterval(step, every);
  document.addEventListener("visibilitychange", step);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", step);
  };
}

/** The same, for as long as a view is shown and `active`. */
export function useWhileSeen(every: number, active: boolean, look: () => Promise<void>): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => (active ? whileSeen(every, () => latest.current()) : undefined), [every, active]);
}
