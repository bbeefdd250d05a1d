// Cuts a markdown text into blocks: paragraphs, headings, lists, tables, quotes, code.
// HTML is not a block; it stays text. Words inside a block are read by `inline.ts`.

export type Align = "left" | "center" | "right" | undefined;

export interface Item {
  /** Set in a task list. */
  checked?: boolean;
  blocks: Block[];
}

export type Block =
  | { type: "paragraph"; text: string }
  | { type: "heading"; level: number; text: string }
  | { type: "code"; language: string; text: string }
  | { type: "quote"; blocks: Block[] }
  | { type: "list"; ordered: boolean; start: number; loose: boolean; items: Item[] }
  | { type: "table"; align: Align[]; head: string[]; rows: string[][] }
  | { type: "rule" };

/** Quotes and lists nested deeper are shown as the text they are. */
const DEEPEST = 10;
const FENCE = /^ *(`{3,}|~{3,}) *([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s|$)/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const QUOTE = /^ {0,3}> ?/;
const MARKER = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
const TASK = /^\[([ xX])\] +/;

export function blocks(text: string): Block[] {
  return parse(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0);
}

/** A block and the number of lines it takes. */
type Taken = [Block, number];

function parse(lines: string[], depth: number): Block[] {
  const found: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const [block, taken] = special(lines, at, depth) ?? paragraph(lines, at, depth);
    found.push(block);
    at += taken;
  }
  return found;
}

function special(lines: string[], at: number, depth: number): Taken | undefined {
  const line = lines[at] ?? "";
  return (
    fenced(lines, at) ??
    heading(line) ??
    (RULE.test(line) ? [{ type: "rule" }, 1] : undefined) ??
    (depth < DEEPEST ? (quote(lines, at, depth) ?? list(lines, at, depth)) : undefined) ??
    table(lines, at)
  );
}

function paragraph(lines: string[], at: number, depth: number): Taken {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines, end, depth)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n").trimEnd();
  return [{ type: "paragraph", text }, end - at];
}

/** Whether the line begins a block of its own, also without an empty line before it. */
function interrupts(lines: string[], at: number, depth: number): boolean {
  const line = lines[at] ?? "";
  if (FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  if (depth >= DEEPEST) return false;
  // A number in running text begins a list only when it is the first of one.
  const marker = MARKER.exec(line);
  return QUOTE.test(line) || (marker !== null && /^(?:[-*+]|1[.)])$/.test(marker[2] ?? "")) || isTable(lines, at);
}

function fenced(lines: string[], at: number): Taken | undefined {
  const [, fence, language = ""] = FENCE.exec(lines[at] ?? "") ?? [];
  if (!fence) return undefined;
  const indent = indentOf(lines[at] ?? "");
  const isEnd = (line: string) => {
    const closing = line.trim();
    return closing.length >= fence.length && closing === (fence[0] ?? "").repeat(closing.length);
  };
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end] ?? "")) end += 1;
  const text = lines.slice(at + 1, end).map((line) => dedent(line, indent)).join("\n");
  return [{ type: "code", language: language.trim().split(" ")[0] ?? "", text }, end - at + 1];
}

function heading(line: string): Taken | undefined {
  const marks = HEADING.exec(line)?.[1];
  if (!marks) return undefined;
  const words = line.trim().slice(marks.length).trim();
  const bare = words.replace(/#+$/, "");
  const text = bare === "" || bare.endsWith(" ") ? bare.trimEnd() : words;
  return [{ type: "heading", level: marks.length, text }, 1];
}

function quote(lines: string[], at: number, depth: number): Taken | undefined {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end] ?? "")) end += 1;
  if (end === at) return undefined;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ type: "quote", blocks: parse(inner, depth + 1) }, end - at];
}

interface Marker {
  /** Bullets of one kind, or numbers with one kind of stop, make one list. */
  kind: string;
  number: number;
  indent: number;
  content: number;
}

function list(lines: string[], at: number, depth: number): Taken | undefined {
  const first = markerOf(lines[at]);
  if (!first) return undefined;
  const items: Item[] = [];
  let loose = false;
  let end = at;
  for (let next: Marker | undefined = first; next && next.kind === first.kind; next = markerOf(lines[end])) {
    const past = itemEnd(lines, end, next);
    const inner = [(lines[end] ?? "").slice(next.content)];
    for (const line of lines.slice(end + 1, past)) inner.push(dedent(line, next.content));
    const gap = inner.length > 1 && isBlank(inner.at(-1));
    items.push(item(inner, depth));
    end = past;
    if (isBlank(lines[end]) || RULE.test(lines[end] ?? "")) break;
    loose ||= gap && markerOf(lines[end])?.kind === first.kind;
  }
  const ordered = first.kind === "." || first.kind === ")";
  return [{ type: "list", ordered, start: first.number, loose, items }, end - at];
}

/** The line after the item's last, empty lines that belong to it or lead to the next item included. */
function itemEnd(lines: string[], at: number, marker: Marker): number {
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    const indented = indentOf(line) >= Math.min(marker.content, marker.indent + 2);
    if (isBlank(line)) {
      const past = pastBlank(lines, end);
      const next = lines[past];
      const goesOn = next !== undefined && (indentOf(next) >= marker.indent + 2 || markerOf(next));
      if (!goesOn) break;
      end = past;
      continue;
    }
    if (!indented && (isBlank(lines[end - 1]) || interrupts(lines, end, 0) || markerOf(line))) {
      break;
    }
    end += 1;
  }
  return end;
}

function item(lines: string[], depth: number): Item {
  const task = TASK.exec(lines[0] ?? "");
  if (!task) return { blocks: parse(lines, depth + 1) };
  const rest = [(lines[0] ?? "").slice(task[0].length), ...lines.slice(1)];
  return { checked: task[1] !== " ", blocks: parse(rest, depth + 1) };
}

function markerOf(line: string | undefined): Marker | undefined {
  const [all, indent = "", mark = "", space = ""] = MARKER.exec(line ?? "") ?? [];
  if (all === undefined || RULE.test(line ?? "")) return undefined;
  const content = indent.length + mark.length + (space.length > 4 ? 1 : Math.max(1, space.length));
  return { kind: mark.at(-1) ?? "", number: Number.parseInt(mark, 10) || 0, indent: indent.length, content };
}

function table(lines: string[], at: number): Taken | undefined {
  if (!isTable(lines, at)) return undefined;
  const head = cells(lines[at] ?? "");
  const align = cells(lines[at + 1] ?? "").map(alignOf);
  let end = at + 2;
  while (end < lines.length && (lines[end] ?? "").includes("|") && !isBlank(lines[end])) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => {
    const row = cells(line);
    return head.map((_, column) => row[column] ?? "");
  });
  return [{ type: "table", align, head, rows }, end - at];
}

function isTable(lines: string[], at: number): boolean {
  const line = lines[at] ?? "";
  const under = lines[at + 1] ?? "";
  if (!line.includes("|") || !under.includes("-")) return false;
  const marks = cells(under);
  return marks.length === cells(line).length && marks.every((mark) => /^:?-+:?$/.test(mark));
}

function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignOf(mark: string): Align {
  if (mark.endsWith(":")) return mark.startsWith(":") ? "center" : "right";
  return mark.startsWith(":") ? "left" : undefined;
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === "";
}

function pastBlank(lines: string[], at: number): number {
  let past = at;
  while (past < lines.length && isBlank(lines[past])) past += 1;
  return past;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function dedent(line: string, by: number): string {
  return line.slice(Math.min(by, indentOf(line)));
}
