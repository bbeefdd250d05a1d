// @vitest-environment jsdom
// Markdown: nothing that is written becomes more than words, links and shapes; and reading it stays fast.
import { render } from "preact";
import { beforeEach, describe, expect, test } from "vitest";
import { inline, safeHref } from "../src/markdown/inline.ts";
import { blocks } from "../src/markdown/block.ts";
import { Markdown } from "../src/markdown/markdown.tsx";

let root: HTMLElement;
beforeEach(() => {
  root = document.createElement("div");
});
function draw(text: string): HTMLElement {
  render(<Markdown text={text} />, root);
  return root;
}
const html = (text: string) => draw(text).querySelector(".markdown")?.innerHTML ?? "";

describe("safety", () => {
  const ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java script:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.test)",
    "[x](/relative)",
    "[x](#token=abc)",
    "![x](https://evil.test/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    '[x](https://ok.test" onclick="alert(1))',
    "```html\n<script>alert(1)</script>\n```",
    "|<script>a</script>|<img src=x onerror=1>|\n|-|-|\n|<b onclick=1>|x|",
    "# <script>alert(1)</script>",
    "- <script>alert(1)</script>",
    "> <img src=x onerror=alert(1)>",
    "`<script>alert(1)</script>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
  ];

  test.each(ATTACKS)("%s stays words", (text) => {
    const page = draw(text);
    expect(page.querySelectorAll("script, img, svg, iframe, object, embed, style, form, base, meta")).toHaveLength(0);
    for (const element of page.querySelectorAll("*")) {
      for (const { name } of element.attributes) expect(name).not.toMatch(/^on|^style$|^src/);
    }
    for (const link of page.querySelectorAll("a")) {
      expect(link.protocol).toMatch(/^(https?|mailto):$/);
      expect(link.host).not.toBe(location.host);
      expect(link.rel).toContain("noopener");
      expect(link.target).toBe("_blank");
    }
  });

  test("only absolute http, https and mailto addresses are links", () => {
    expect(safeHref("https://example.com/a?b=c#d")).toBe("https://example.com/a?b=c#d");
    expect(safeHref("HTTP://example.com")).toBe("http://example.com/");
    expect(safeHref("mailto:a@b.c")).toBe("mailto:a@b.c");
    for (const bad of ["", "example.com", "/x", "//x.y", "javascript:1", " javascript:1", "blob:x", "ws://x"]) {
      expect(safeHref(bad)).toBeUndefined();
    }
  });

  test("a link cannot hide in a link", () => {
    const page = draw("[https://bank.test](https://evil.test)");
    expect(page.querySelectorAll("a")).toHaveLength(1);
    expect(page.querySelector("a")?.title).toBe("https://evil.test/");
  });
});

describe("inline", () => {
  test.each([
    ["**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"],
    ["***both***", "<p><em><strong>both</strong></em></p>"],
    ["snake_case_name and _yes_", "<p>snake_case_name and <em>yes</em></p>"],
    ["2 * 3 * 4", "<p>2 * 3 * 4</p>"],
    ["**中文（重点）**后面", "<p><strong>中文（重点）</strong>后面</p>"],
    ["**unclosed", "<p>**unclosed</p>"],
    ["\\*plain\\*", "<p>*plain*</p>"],
    ["`` a ` b ``", "<p><code>a ` b</code></p>"],
    ["one\ntwo<br>three", "<p>one<br>two<br>three</p>"],
    ["5 < 6 &amp; 7", "<p>5 &lt; 6 &amp; 7</p>"],
    ["***x**", "<p>*<strong>x</strong></p>"],
    ["**a *b***", "<p><strong>a <em>b</em></strong></p>"],
    ["*a **b* c**", "<p><em>a **b</em> c**</p>"],
  ])("%s", (text, expected) => expect(html(text)).toBe(expected));

  test("what is strong is so before its end has come, while more is to come", () => {
    const drawn = (text: string) => {
      render(<Markdown text={text} growing />, root);
      return root.querySelector("p")?.innerHTML;
    };
    expect(drawn("a **b")).toBe("a <strong>b</strong>");
    expect(drawn("a **b *c")).toBe("a <strong>b *c</strong>");
    expect(drawn("a **")).toBe("a **");
    expect(drawn("2 * 3, [x")).toBe("2 * 3, [x");
    expect(html("a **b")).toBe("<p>a **b</p>");
  });

  test("addresses in running text end before the punctuation", () => {
    const found = (text: string) => draw(text).querySelector("a")?.getAttribute("href");
    expect(found("see https://a.test/x.")).toBe("https://a.test/x");
    expect(found("(https://a.test/x)")).toBe("https://a.test/x");
    expect(found("https://a.test/x_(y)")).toBe("https://a.test/x_(y)");
    expect(found("看https://a.test/x，然后")).toBeUndefined();
    expect(found("看 https://a.test/x，然后")).toBe("https://a.test/x");
    expect(found("[t](https://a.test/(x)?y=1 \"title\")")).toBe("https://a.test/(x)?y=1");
    expect(found("<a@b.test>")).toBe("mailto:a@b.test");
  });
});

describe("blocks", () => {
  test("nested lists, numbers and tasks", () => {
    expect(html("3. a\n   - b\n   - c\n4. d")).toBe('<ol start="3"><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>');
    const tasks = draw("- [x] done\n- [ ] open").querySelectorAll("input");
    expect([...tasks].map((box) => [box.checked, box.disabled])).toEqual([[true, true], [false, true]]);
  });

  test("loose lists, code in lists, text after lists", () => {
    expect(html("- a\n\n- b\n\nafter")).toBe("<ul><li><p>a</p></li><li><p>b</p></li></ul><p>after</p>");
    expect(blocks("1. run\n   ```sh\n   ls\n   ```\n2. done")).toMatchObject([
      { type: "list", items: [{ blocks: [{ type: "paragraph" }, { type: "code", text: "ls" }] }, {}] },
    ]);
  });

  test("tables keep their shape and their alignment", () => {
    const page = draw("| a | b |\n|:-:|--:|\n| 1 \\| 2 |\n| 3 | 4 | 5 |\n\nafter");
    expect([...page.querySelectorAll("td")].map((cell) => [cell.textContent, cell.className])).toEqual([
      ["1 | 2", "to-center"],
      ["", "to-right"],
      ["3", "to-center"],
      ["4", "to-right"],
    ]);
    expect(page.querySelector("p")?.textContent).toBe("after");
  });

  test("code is kept to the letter, also while its end has not come", () => {
    expect(blocks("```py\nif a:\n    b\n\n")).toEqual([{ type: "code", language: "py", text: "if a:\n    b\n\n" }]);
    expect(blocks("~~~\n```\n~~~")).toEqual([{ type: "code", language: "", text: "```" }]);
  });

  test("headings, rules and quotes", () => {
    expect(html("# A\n## B #\n---\n> q\n>> r")).toBe(
      '<h3 class="large">A</h3><h4>B</h4><hr><blockquote><p>q</p><blockquote><p>r</p></blockquote></blockquote>',
    );
    expect(html("#hashtag")).toBe("<p>#hashtag</p>");
  });

  test("a paragraph that streams grows in place", () => {
    draw("one");
    const first = root.querySelector("p");
    draw("one **two**\n\nthree");
    expect(root.querySelector("p")).toBe(first);
    expect(root.textContent).toBe("one twothree");
  });
});

describe("speed", () => {
  const MANY = 50_000;
  test.each(["*", "_", "[", "](", "![", "`", "`` ` ", "<", "**a", "~~", "[a](b", "http://", ")", "&", "*a_", "[](", "\\", "h"])(
    "%s, fifty thousand times",
    (part) => {
      const begun = performance.now();
      inline(part.repeat(MANY));
      expect(performance.now() - begun).toBeLessThan(2_000);
    },
  );
  test.each(["> ", "- ", "1. ", "|", "#", "    ", "\n", "- a\n\n", "> a\n", "a|b\n-|-\n", "```\n", "- - -"])(
    "%s, ten thousand times",
    (part) => {
      const begun = performance.now();
      blocks(part.repeat(10_000));
      expect(performance.now() - begun).toBeLessThan(2_000);
    },
  );
  test("nesting without end does not overflow", () => {
    draw(`${"> - ".repeat(5_000)}x`);
    expect(root.textContent).toContain("x");
  });
});
