// Draws dashboards without Grafana, for our own eyes: what a panel asks, answered by a real Prometheus, in the grid, units and colours of its JSON.
//
// node draw.mjs [--window SECONDS] [--at TIME] [--scrape SECONDS] [--asset ID] FOLDER URL PAGE...
//
// Writes a PNG of each PAGE (a dashboard's JSON) to FOLDER, with what the Prometheus at URL has of the SECONDS before TIME (default: now).
//
// It is no copy of Grafana: it shows whether a panel has data, fits its place and can be read. Needs playwright-core (NODE_PATH) and Chromium.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { drawn, escaped } from "./panels.mjs";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const WIDTH = 1400;
// a unit of height and a gap in Grafana's grid, in pixels
const [UNIT, GAP] = [30, 8];

const STYLE = `
* { box-sizing: border-box } body { margin: 0; padding: 16px; background: #111217; color: #ccccdc; font: 13px/1.35 Inter, "DejaVu Sans", sans-serif }
h1 { font-size: 17px; margin: 0 } header p { margin: 2px 0 10px; color: #9a9aab } .grid { position: relative }
.panel { position: absolute; background: #181b1f; border: 1px solid #2c3035; border-radius: 3px; display: flex; flex-direction: column; padding: 6px 8px; overflow: hidden }
.panel.row { background: none; border: 0; font-weight: 600; padding: 4px 0 } h2 { font-size: 13px; font-weight: 600; margin: 0 0 4px; flex: none }
.inside { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow: hidden } .nothing { margin: auto; color: #9a9aab }
.tiles { flex: 1; display: flex; gap: 4px } .tile { flex: 1; display: flex; align-items: center; justify-content: center; font-size: 26px; border-radius: 2px }
table { border-collapse: collapse; width: 100% } td, th { padding: 3px 8px; text-align: left; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.rows { table-layout: fixed } .rows tr { border-bottom: 1px solid #2c3035; height: 28px } th { color: #6e9fff; font-weight: 500 } .number { text-align: right; font-variant-numeric: tabular-nums } .link { text-decoration: underline #6e9fff }
.bars td { padding: 3px 6px; height: 26px } .wide { width: 70% } .track { height: 14px; background: #22252b } .track i, .legend i { display: block; height: 100% }
.rows .wide { width: auto } .track.with { display: inline-block; width: calc(100% - 36px); vertical-align: middle } .track.with + b { float: right }
.plot { flex: 1; min-height: 0; position: relative; margin-top: 6px; margin-left: 76px; border-left: 1px solid #2c3035; border-bottom: 1px solid #2c3035 } .plot svg { width: 100%; height: 100%; display: block }
.scale span { position: absolute; right: calc(100% + 6px); transform: translateY(50%); line-height: 1; white-space: nowrap; font-size: 11px }
.axis { position: relative; height: 18px; margin-left: 76px; flex: none; font-size: 11px } .axis span { position: absolute; transform: translateX(-50%) } .axis span:first-child { transform: none } .axis span:last-child { transform: translateX(-100%) }
.legend { margin: 2px 0 0; display: flex; flex-wrap: wrap; gap: 0 14px; flex: none; max-height: 40%; overflow: hidden; font-size: 12px } .legend span { display: flex; align-items: center; gap: 5px } .legend i { width: 14px; height: 4px }
.timeline { flex: 1; min-height: 0; display: grid; grid-template-columns: 300px 1fr; gap: 1px 8px } .timeline .name { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; text-align: right; font-size: 11px; display: flex; align-items: center; justify-content: end }
.line { position: relative } .line i { position: absolute; top: 5%; height: 90%; overflow: hidden; font-style: normal; font-size: 11px; padding-left: 4px; display: flex; align-items: center } .under .axis { margin-left: 308px } .more { margin: 0; text-align: center; font-size: 11px }
.pie { width: min(100%, 260px); aspect-ratio: 1; margin: auto; border-radius: 50% }`;

/** The place of a panel: 24 columns across, Grafana's units of height down. */
function place({ x, y, w, h }) {
  const column = (WIDTH - 32 + GAP) / 24;
  return `left:${x * column}px;top:${y * (UNIT + GAP)}px;width:${w * column - GAP}px;height:${h * (UNIT + GAP) - GAP}px`;
}

function html(page) {
  const panels = page.panels.map((panel) => {
    const inside = panel.type === "row" ? escaped(panel.title) : `<h2>${escaped(panel.title)}</h2><div class="inside">${drawn(panel, page)}</div>`;
    return `<section class="panel ${panel.type === "row" ? "row" : ""}" style="${place(panel.gridPos)}">${inside}</section>`;
  });
  const height = Math.max(...page.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * (UNIT + GAP);
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><header><h1>${escaped(page.title)}</h1><p>${escaped(page.description)}</p></header>`
    + `<div class="grid" style="height:${height}px">${panels.join("")}</div>`;
}

const text = { type: "string" };
const { values, positionals: [folder, url, ...pages] } = parseArgs({ options: { window: text, at: text, scrape: text, asset: text }, allowPositionals: true });
const chosen = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
const answers = join(fileURLToPath(import.meta.url), "../answers.py");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking"] });
const view = await browser.newPage({ viewport: { width: WIDTH, height: 900 } });
for (const file of pages) {
  const page = JSON.parse(execFileSync("/usr/bin/python3", [answers, file, url, ...chosen], { maxBuffer: 1 << 28 }));
  await view.setContent(html(page));
  const picture = join(folder, `${basename(file, ".json")}.png`);
  await view.screenshot({ path: picture, fullPage: true });
  console.log(picture);
}
await browser.close();
