// Draws dashboards without Grafana, for our own eyes: what a panel asks, answered by a real Prometheus, in the grid, units and colours of its JSON.
//
// node draw.mjs [--window SECONDS] [--at TIME] [--scrape SECONDS] [--asset ID] FOLDER URL PAGE...
//
// Writes a PNG of each PAGE (a dashboard's JSON) to FOLDER, with what the Prometheus at URL has of the SECONDS before TIME (default: now).
//
// It is no copy of Grafana: it shows whether a panel has data, fits its place and can be read. Needs playwright-core (NODE_PATH) and Chromium.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { drawn, escaped } from "./panels.mjs";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const WIDTH = 1400;
// a unit of height and a gap in Grafana's grid, in pixels
const [UNIT, GAP] = [30, 8];

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STYLE = readFileSync(join(HERE, "draw.css"), "utf8");

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
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
const view = await browser.newPage({ viewport: { width: WIDTH, height: 900 } });
for (const file of pages) {
  const page = JSON.parse(execFileSync("/usr/bin/python3", [join(HERE, "answers.py"), file, url, ...chosen], { maxBuffer: 1 << 28 }));
  await view.setContent(html(page));
  const picture = join(folder, `${basename(file, ".json")}.png`);
  await view.screenshot({ path: picture, fullPage: true });
  console.log(picture);
}
await browser.close();
