// Draws docs/pictures/level.svg and saturation.svg: what the backpressure level does, with the default sizes.
// `node scripts/draw-level.mjs` writes them; with --check it only says whether they are current.
import { readFileSync, writeFileSync } from "node:fs";

const MOST_WAITING = 32;
const THRESHOLD = 0.7;
const level = (depth, busy) => 0.7 * (depth / MOST_WAITING) + 0.3 * busy;
let refusing = 0;
while (level(refusing, 1) < THRESHOLD) refusing += 1;

const WIDTH = 640, HEIGHT = 300, LEFT = 48, RIGHT = 16, TOP = 36, BOTTOM = 44;
const x = (depth) => LEFT + (depth / MOST_WAITING) * (WIDTH - LEFT - RIGHT);
const y = (value) => HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM);
const point = (depth, value) => `${x(depth).toFixed(1)},${y(value).toFixed(1)}`;
const line = (kind, points) => `<polyline class="${kind}" points="${points.map(([d, v]) => point(d, v)).join(" ")}"/>`;
const text = (kind, depth, value, words, [dx, dy] = [0, 0], anchor = "start") =>
  `<text class="${kind}" x="${(x(depth) + dx).toFixed(1)}" y="${(y(value) + dy).toFixed(1)}" text-anchor="${anchor}">${words}</text>`;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .quiet { fill: #57606a } .axis, .grid { stroke: #8c959f; fill: none } .grid { stroke-opacity: .3 }
  .level, .idle, .saturation, .threshold { fill: none; stroke-width: 2 }
  .level, .idle { stroke: #0969da } .idle { stroke-dasharray: 6 4 } .saturation { stroke: #bf8700 }
  .threshold { stroke: #cf222e; stroke-dasharray: 2 3 } .refused { fill: #cf222e; fill-opacity: .12 }
  .blue { fill: #0969da } .yellow { fill: #9a6700 } .red { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #8d96a0 }
    .level, .idle { stroke: #4493f8 } .saturation { stroke: #d29922 } .threshold { stroke: #f85149 }
    .blue { fill: #4493f8 } .yellow { fill: #d29922 } .red { fill: #f85149 } .refused { fill: #f85149 }
  }`;

const frame = () => [
  `<rect class="refused" x="${x(refusing)}" y="${TOP}" width="${x(MOST_WAITING) - x(refusing)}" height="${y(0) - TOP}"/>`,
  ...[0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => [
    line("grid", [[0, value], [MOST_WAITING, value]]),
    text("quiet", 0, value, value.toFixed(1), [-8, 4], "end"),
  ]),
  ...[0, 8, 16, refusing, 24, 32].map((depth) => text(depth === refusing ? "red" : "quiet", depth, 0, depth, [0, 18], "middle")),
  text("quiet", MOST_WAITING / 2, 0, `requests that wait (maxQueueSize ${MOST_WAITING})`, [0, 36], "middle"),
  line("axis", [[0, 1], [0, 0], [MOST_WAITING, 0]]),
  text("red", refusing, 1, "new requests are refused", [8, 16]),
];

const picture = (title, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>${STYLE}
</style>
<text x="${LEFT}" y="20" font-weight="600">${title}</text>
${[...frame(), ...parts].join("\n")}
</svg>
`;

const pictures = {
  "level.svg": picture("level = 0.7 * queue + 0.3 * busy", [
    line("threshold", [[0, THRESHOLD], [MOST_WAITING, THRESHOLD]]),
    text("red", 0, THRESHOLD, `backpressureThreshold ${THRESHOLD}`, [8, -6]),
    line("idle", [[0, 0], [MOST_WAITING, level(MOST_WAITING, 0)]]),
    line("level", [[0, level(0, 1)], [MOST_WAITING, level(MOST_WAITING, 1)]]),
    text("blue", 5, level(5, 1), "every worker is busy", [0, -26], "middle"),
    text("blue", 10, level(10, 0), "no worker is busy", [12, 14]),
  ]),
  "saturation.svg": picture("Why saturation stands beside the level", [
    line("threshold", [[0, 0.8], [refusing, 0.8]]),
    text("red", 0, 0.8, "0.8: the level never gets there", [8, -6]),
    line("level", [[0, level(0, 1)], [refusing, level(refusing, 1)]]),
    text("blue", 4, level(4, 1), "level", [0, -14], "middle"),
    line("saturation", [[0, 0], [refusing, 1]]),
    text("yellow", 9, 9 / refusing, "saturation", [10, 10]),
  ]),
};

const folder = new URL("../docs/pictures/", import.meta.url);
for (const [name, drawn] of Object.entries(pictures)) {
  const file = new URL(name, folder);
  if (!process.argv.includes("--check")) writeFileSync(file, drawn);
  else if (readFileSync(file, "utf8") !== drawn) {
    console.error(`docs/pictures/${name} is stale: node scripts/draw-level.mjs`);
    process.exitCode = 1;
  }
}
