// Draws markdown as elements, never as HTML text: what a model or a stranger wrote cannot become markup.
// A paragraph that has not changed is not read again, so a long answer streams as fast as a short one.
import { type ComponentChildren, type VNode, createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { CopyButton } from "../frame/copy.tsx";
import { type Align, type Block, type Item, blocks } from "./block.ts";
import { type Inline, inline } from "./inline.ts";

/** Whether more of the text is to come. */
const Growing = createContext(false);

export function Markdown({ text, growing = false }: { text: string; growing?: boolean }): VNode {
  return (
    <Growing.Provider value={growing}>
      <div class="markdown">{blocks(text).map(drawBlock)}</div>
    </Growing.Provider>
  );
}

function Words({ text }: { text: string }): VNode {
  const growing = useContext(Growing);
  return useMemo(() => <>{inline(text, growing).map(drawInline)}</>, [text, growing]);
}

function drawBlock(block: Block, key: number): VNode {
  switch (block.type) {
    case "paragraph":
      return <p key={key}><Words text={block.text} /></p>;
    case "heading":
      return <Heading key={key} level={block.level} text={block.text} />;
    case "code":
      return <Code key={key} language={block.language} text={block.text} />;
    case "quote":
      return <blockquote key={key}>{block.blocks.map(drawBlock)}</blockquote>;
    case "list":
      return <List key={key} list={block} />;
    case "table":
      return <Table key={key} table={block} />;
    case "rule":
      return <hr key={key} />;
  }
}

/** The page's own headings are levels 1 and 2; those in an answer come below them. */
function Heading({ level, text }: { level: number; text: string }): VNode {
  const words = <Words text={text} />;
  if (level === 1) return <h3 class="large">{words}</h3>;
  if (level === 2) return <h4>{words}</h4>;
  return level === 3 ? <h5>{words}</h5> : <h6>{words}</h6>;
}

function Code({ language, text }: { language: string; text: string }): VNode {
  return (
    <figure class="code">
      <figcaption>
        <span>{language}</span>
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0}><code>{text}</code></pre>
    </figure>
  );
}

function List({ list }: { list: Extract<Block, { type: "list" }> }): VNode {
  const items = list.items.map((item, key) => <ListItem key={key} item={item} loose={list.loose} />);
  return list.ordered ? <ol start={list.start}>{items}</ol> : <ul>{items}</ul>;
}

function ListItem({ item, loose }: { item: Item; loose: boolean }): VNode {
  const inner = item.blocks.map((block, key) =>
    block.type === "paragraph" && !loose ? <Words key={key} text={block.text} /> : drawBlock(block, key),
  );
  if (item.checked === undefined) return <li>{inner}</li>;
  return (
    <li class="task">
      <input type="checkbox" checked={item.checked} disabled />
      {inner}
    </li>
  );
}

function Table({ table }: { table: Extract<Block, { type: "table" }> }): VNode {
  return (
    <div class="wide" tabIndex={0}>
      <table>
        <thead>
          <tr>{table.head.map((text, key) => <th key={key} class={toward(table.align[key])}><Words text={text} /></th>)}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, key) => (
            <tr key={key}>
              {row.map((text, column) => <td key={column} class={toward(table.align[column])}><Words text={text} /></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function toward(align: Align): string | undefined {
  return align && `to-${align}`;
}

function drawInline(part: Inline, key: number): ComponentChildren {
  switch (part.type) {
    case "text":
      return part.text;
    case "code":
      return <code key={key}>{part.text}</code>;
    case "break":
      return <br key={key} />;
    case "strong":
      return <strong key={key}>{part.children.map(drawInline)}</strong>;
    case "em":
      return <em key={key}>{part.children.map(drawInline)}</em>;
    case "strike":
      return <s key={key}>{part.children.map(drawInline)}</s>;
    case "link":
      return (
        <a key={key} href={part.href} title={part.href} target="_blank" rel="noopener noreferrer">
          {part.children.map(drawInline)}
        </a>
      );
  }
}
