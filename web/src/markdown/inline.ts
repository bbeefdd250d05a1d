// Reads the words of one block: emphasis, code, links. It takes time in proportion to the text, whatever
// the text, and lets only addresses of `safeHref` become links; everything else stays the text it is.

export type Inline =
  | { type: "text"; text: string }
  | { type: "code"; text: string }
  | { type: "strong" | "em" | "strike"; children: Inline[] }
  | { type: "link"; href: string; children: Inline[] }
  | { type: "break" };

/** Something opened that may be closed: `*`, `**`, `_`, `__`, `~~` or `[`. */
interface Open {
  mark: string;
  children: Inline[];
}

/** Marks opened inside one another beyond this are plain text. */
const DEEPEST = 24;
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };
const PLAIN = /[^\\`*_~[\]!<&\nhH]+/y;
const ESCAPE = /\\([!-/:-@[-`{-~])/y;
const TICKS = /`+/y;
const MARKS = /\*+|_+|~~/y;
const TARGET =
  /\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)/y;
const BRACKETED = /<([^\s<>]+)>/y;
const BREAK = /<br ?\/?>/iy;
const ENTITY = /&(#39|[a-z]{2,4});/y;
const BARE = /https?:\/\/[^\s<>"'`|[\]\u3000-\u303f\uff00-\uffef]+/iy;
const WORD = /[\p{L}\p{N}]/u;

/** @param growing more of the text is to come, so that what is strong is strong before its end is there */
export function inline(text: string, growing = false): Inline[] {
  return new Reader(text).read(growing);
}

/** The address, when a click on it is harmless: absolute, and http, https or mailto. */
export function safeHref(address: string): string | undefined {
  try {
    const url = new URL(address);
    return SCHEMES.has(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

class Reader {
  private readonly text: string;
  private at = 0;
  private readonly stack: Open[] = [{ mark: "", children: [] }];
  /** Lengths of back-tick runs that are known to have no partner further on. */
  private readonly lonely = new Set<number>();

  constructor(text: string) {
    this.text = text;
  }

  read(growing: boolean): Inline[] {
    while (this.at < this.text.length) {
      if (!this.part()) this.add(this.text[this.at++] ?? "");
    }
    while (growing && this.stack.length > 1) this.closeEarly();
    this.flatten(1);
    return this.top.children;
  }

  /** Takes the innermost mark for closed where a partner is likely to come: two signs and words after them. */
  private closeEarly(): void {
    const { mark, children } = this.top;
    if (mark.length < 2 || children.length === 0) return this.flatten(this.stack.length - 1);
    this.stack.pop();
    this.top.children.push({ type: mark === "~~" ? "strike" : "strong", children });
  }

  private part(): boolean {
    return (
      this.plain() ||
      this.newline() ||
      this.escape() ||
      this.code() ||
      this.marks() ||
      this.bracket() ||
      this.angle() ||
      this.bare()
    );
  }

  private get top(): Open {
    return this.stack.at(-1) as Open;
  }

  private take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found;
  }

  private add(text: string): void {
    const last = this.top.children.at(-1);
    if (last?.type === "text") last.text += text;
    else if (text) this.top.children.push({ type: "text", text });
  }

  private plain(): boolean {
    const found = this.take(PLAIN);
    if (found) this.add(found[0]);
    return found !== null;
  }

  private newline(): boolean {
    if (this.text[this.at] !== "\n") return false;
    this.at += 1;
    this.top.children.push({ type: "break" });
    return true;
  }

  private escape(): boolean {
    const found = this.take(ESCAPE) ?? this.take(ENTITY);
    const known = found?.[0].startsWith("&") ? ENTITIES[found[1] ?? ""] : found?.[1];
    if (found) this.add(known ?? found[0]);
    return found !== null;
  }

  private code(): boolean {
    const ticks = this.take(TICKS)?.[0];
    if (!ticks) return false;
    const end = this.lonely.has(ticks.length) ? -1 : this.partner(ticks);
    if (end < 0) {
      this.lonely.add(ticks.length);
      this.add(ticks);
      return true;
    }
    const inner = this.text.slice(this.at, end).replaceAll("\n", " ");
    const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.top.children.push({ type: "code", text: padded ? inner.slice(1, -1) : inner });
    this.at = end + ticks.length;
    return true;
  }

  /** Where the run of back-ticks of the same length begins that closes this one. */
  private partner(ticks: string): number {
    for (let from = this.at; ; ) {
      const start = this.text.indexOf(ticks, from);
      if (start < 0) return -1;
      let end = start;
      while (this.text[end] === "`") end += 1;
      if (end - start === ticks.length) return start;
      from = end;
    }
  }

  private marks(): boolean {
    const before = this.text[this.at - 1] ?? " ";
    const run = this.take(MARKS)?.[0];
    if (!run) return false;
    const after = this.text[this.at] ?? " ";
    const inWord = run.startsWith("_");
    // Without regard to punctuation, so that it works in languages that write no spaces.
    const opens = after.trim() !== "" && !(inWord && WORD.test(before));
    const closes = before.trim() !== "" && !(inWord && WORD.test(after));
    let left = closes ? this.close(run) : run.length;
    while (left > 0) {
      const mark = run.slice(0, left % 2 === 1 ? 1 : 2);
      if (opens && run.length <= 3 && this.stack.length < DEEPEST) this.stack.push({ mark, children: [] });
      else this.add(mark);
      left -= mark.length;
    }
    return true;
  }

  /** Closes what the run of marks can close; returns how many marks are left over. */
  private close(run: string): number {
    let left = run.length;
    while (left > 0) {
      const at = this.partnerOf(run.charAt(0), left);
      const open = this.stack[at];
      if (!open) break;
      this.flatten(at + 1);
      if (open.children.length === 0) break;
      this.stack.pop();
      const type = run.startsWith("~") ? "strike" : open.mark.length === 2 ? "strong" : "em";
      this.top.children.push({ type, children: open.children });
      left -= open.mark.length;
    }
    return left;
  }

  /** The innermost mark that so many marks can close, within the innermost bracket; two rather than one. */
  private partnerOf(char: string, left: number): number {
    const from = this.stack.findLastIndex((open) => open.mark === "[");
    const find = (fits: (length: number) => boolean) =>
      this.stack.findLastIndex((open, at) => at > from && open.mark[0] === char && fits(open.mark.length));
    const exact = left === 2 ? find((length) => length === 2) : -1;
    return exact >= 0 ? exact : find((length) => length <= left);
  }

  /** Makes plain text of the marks that nobody closed, down to the given level. */
  private flatten(level: number): void {
    while (this.stack.length > level) {
      const open = this.stack.pop() as Open;
      this.add(open.mark);
      for (const child of open.children) this.top.children.push(child);
    }
  }

  private bracket(): boolean {
    const char = this.text[this.at];
    // A picture is shown as a link: the page loads nothing from elsewhere.
    if (char === "!" && this.text[this.at + 1] === "[") this.at += 1;
    else if (char === "]") return this.link();
    else if (char !== "[") return false;
    this.at += 1;
    if (this.stack.length < DEEPEST) this.stack.push({ mark: "[", children: [] });
    else this.add("[");
    return true;
  }

  private link(): boolean {
    const level = this.stack.findLastIndex((open) => open.mark === "[");
    this.at += 1;
    const start = this.at;
    const target = level < 0 ? null : this.take(TARGET);
    const href = target && safeHref(target[1] ?? target[2] ?? "");
    if (level < 0 || !href) {
      this.at = start;
      if (level >= 0) this.flatten(level);
      this.add("]");
      return true;
    }
    this.flatten(level + 1);
    const { children } = this.stack.pop() as Open;
    const label = withoutLinks(children);
    this.top.children.push({ type: "link", href, children: label.length > 0 ? label : [{ type: "text", text: href }] });
    return true;
  }

  private angle(): boolean {
    if (this.take(BREAK)) {
      this.top.children.push({ type: "break" });
      return true;
    }
    const start = this.at;
    const address = this.take(BRACKETED)?.[1];
    const href = address && safeHref(address.includes("@") && !address.includes(":") ? `mailto:${address}` : address);
    if (!href) {
      this.at = start;
      return false;
    }
    this.top.children.push({ type: "link", href, children: [{ type: "text", text: address }] });
    return true;
  }

  private bare(): boolean {
    if (WORD.test(this.text[this.at - 1] ?? " ")) return false;
    const start = this.at;
    const found = this.take(BARE)?.[0];
    if (!found) return false;
    const address = trimmed(found);
    const href = safeHref(address);
    this.at = start + (href ? address.length : found.length);
    if (href) this.top.children.push({ type: "link", href, children: [{ type: "text", text: address }] });
    else this.add(found);
    return true;
  }
}

/** An address in running text without the punctuation that ends the sentence. */
function trimmed(address: string): string {
  const ending = address.includes("(") ? ".,;:!?*_~]" : ".,;:!?*_~])";
  let end = address.length;
  while (end > 0 && ending.includes(address[end - 1] ?? "")) end -= 1;
  return address.slice(0, end);
}

function withoutLinks(children: Inline[]): Inline[] {
  return children.flatMap((child): Inline[] => {
    if (child.type === "link") return withoutLinks(child.children);
    if ("children" in child) return [{ ...child, children: withoutLinks(child.children) }];
    return [child];
  });
}
