// The page's few signs, as strokes in the colour of the text. They are never the only word for a thing.
import type { VNode } from "preact";

const PATHS = {
  list: "M3 5h14M3 10h14M3 15h14",
  plus: "M10 4v12M4 10h12",
  send: "M10 16V4M5 9l5-5 5 5",
  close: "M5 5l10 10M15 5L5 15",
  down: "M10 4v12M5 11l5 5 5-5",
  again: "M4 10a6 6 0 1 0 2-4.5M4 3.5v3.5h3.5",
  light: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  dark: "M16 11.5A6.5 6.5 0 1 1 8.5 4a5.2 5.2 0 0 0 7.5 7.5z",
  system: "M3 4.5h14v9H3zM7.5 17h5",
  keys: "M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M10 14.6v.1",
  flow: "M3 6h5l4 8h5M3 14h3M14 6h3",
  talk: "M4 4.5h12v9H9L5.5 16.5v-3H4z",
} as const;

export type IconName = keyof typeof PATHS | "stop";

export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      {name === "stop" ? <rect x="5" y="5" width="10" height="10" rx="1.5" fill="currentColor" /> : (
        <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
      )}
    </svg>
  );
}
