// Where the person is: a place, and what is open in it, written in the address as `#/place/what`.
// The address never says where the gateway is.
import { signal } from "@preact/signals";

export interface Route {
  place: string;
  open: string;
}

export const route = signal<Route>({ place: "", open: "" });

/** What was open in each place when it was left. */
const left = new Map<string, string>();

/** Goes to a place as it was left. */
export function visit(place: string): void {
  go(place, left.get(place) ?? "");
}

export function go(place: string, open = ""): void {
  const address = `#/${place}/${encodeURIComponent(open)}`;
  if (location.hash !== address) history.pushState(null, "", address);
  read();
}

/** The same as `go`, without a step that the person could go back to. */
export function settle(place: string, open: string): void {
  history.replaceState(null, "", `#/${place}/${encodeURIComponent(open)}`);
  read();
}

/** Follows the address from now on. */
export function follow(): void {
  window.addEventListener("popstate", read);
  window.addEventListener("hashchange", read);
  read();
}

function read(): void {
  const [, place = "", open = ""] = /^#\/([a-z]+)\/?([^/]*)$/.exec(location.hash) ?? [];
  left.set(place, decode(open));
  route.value = { place, open: decode(open) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
