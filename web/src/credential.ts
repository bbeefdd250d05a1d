// What the page shows the gateway to be let in: the token of a link once, the device token from then on.
// It takes nothing from the address but the token, and wipes that from the history before it is used.
import { load, remove, save } from "./storage.ts";

const KEPT = "device";

export class Credential {
  private link: string | undefined;

  constructor(link?: string) {
    this.link = link;
  }

  /** What to show next: a link's token before a kept one, since the person has just opened it. */
  get token(): string | undefined {
    return this.link ?? load(KEPT);
  }

  /** Uses a token that a person pasted, also when a whole link was pasted. */
  use(pasted: string): void {
    this.link = tokenIn(pasted) ?? pasted.trim();
  }

  /** The gateway let us in, and may have given a token of our own. */
  accepted(deviceToken: string | undefined): void {
    if (deviceToken) {
      save(KEPT, deviceToken);
      this.link = undefined;
    }
  }

  /**
   * The gateway refused what was shown. True when there is something else to show.
   * @param unknown the gateway said that it does not know the token; only then is a kept one of no more use
   */
  refused(unknown: boolean): boolean {
    if (this.link === undefined) {
      if (unknown) remove(KEPT);
      return false;
    }
    this.link = undefined;
    return load(KEPT) !== undefined;
  }
}

/** Takes the token out of the page's address and leaves no trace of it in the history. */
export function takeToken(): string | undefined {
  const token = tokenIn(location.hash);
  if (token !== undefined) history.replaceState(null, "", location.pathname);
  return token;
}

function tokenIn(text: string): string | undefined {
  const found = /#(?:.*&)?token=([^&\s]+)/.exec(text)?.[1];
  if (found === undefined) return undefined;
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}
