// One function a kind of panel: from its JSON and the series of its targets to HTML. Each says what it shows, not how Grafana builds it.

import { color, ink, settings, text, ticks } from "./values.mjs";

export const escaped = (value) => String(value).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const filled = (legend, labels) => legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
const bare = ({ __name__: name = "", ...labels }) => `${name}{${Object.entries(labels).map(([label, value]) => `${label}="${value}"`).join(", ")}}`;
const last = (series) => Number((series.value ?? series.values.at(-1))[1]);

/** Every series of a panel with its name. */
function named(panel) {
  return panel.targets.flatMap(({ legendFormat, series }) =>
    series.map((one) => ({ ...one, name: legendFormat ? filled(legendFormat, one.metric) : bare(one.metric) })));
}

function stat(panel) {
  const tiles = named(panel).map((one) => {
    const ground = color(last(one), panel.fieldConfig.defaults);
    return `<div class="tile" style="background:${ground};color:${ink(ground)}">${escaped(text(last(one), panel.fieldConfig.defaults))}</div>`;
  });
  return `<div class="tiles">${tiles.join("")}</div>`;
}

function bargauge(panel) {
  const config = panel.fieldConfig.defaults;
  const all = named(panel);
  const top = config.max ?? Math.max(...all.map(last), Number.EPSILON);
  const rows = all.map((one) => {
    const [value, shade] = [last(one), color(last(one), config)];
    const share = 100 * Math.max(0, Math.min(1, value / top));
    return `<tr><td>${escaped(one.name)}<td class="wide"><div class="track"><i style="width:${share}%;background:${shade}"></i></div>`
      + `<td class="number" style="color:${shade}">${escaped(text(value, config))}`;
  });
  return `<table class="bars">${rows.join("")}</table>`;
}

/** Rows of a table: labels in the order of the alphabet, then the value; or one label down and another across. */
function rows(panel) {
  const all = panel.targets.flatMap(({ series }) => series.map((one) => ({ ...one.metric, Value: last(one) })));
  const labels = [...new Set(all.flatMap(Object.keys))].filter((label) => label !== "Value").sort();
  const [{ id, options }] = panel.transformations;
  if (id === "groupingToMatrix") {
    const across = [...new Set(all.map((row) => row[options.columnField]))];
    const corner = `${options.rowField}\\${options.columnField}`;
    const down = grouped(all, options.rowField);
    const made = [...down].map(([name, cells]) => ({ [corner]: name, ...Object.fromEntries(cells.map((cell) => [cell[options.columnField], cell.Value])) }));
    return { columns: organized([corner, ...across], panel.transformations[1]), all: made };
  }
  return { columns: organized([...labels, "Value"], panel.transformations[0]), all };
}

/** Columns in their order, with their headings, without those that are left out. */
function organized(names, { options: { excludeByName, indexByName, renameByName } }) {
  const shown = names.filter((name) => !excludeByName[name]);
  shown.sort((one, other) => (indexByName[one] ?? 99) - (indexByName[other] ?? 99));
  return shown.map((from) => ({ from, name: renameByName[from] ?? from }));
}

function grouped(all, key) {
  const made = new Map();
  for (const row of all) made.set(row[key], [...(made.get(row[key]) ?? []), row]);
  return made;
}

function heading(panel, name) {
  const { custom: { width } = {}, mappings, unit } = settings(panel, name);
  return `<th class="${unit && !mappings ? "number" : ""}"${width ? ` style="width:${width}px"` : ""}>${escaped(name)}`;
}

function table(panel) {
  const { columns, all } = rows(panel);
  const sort = panel.options.sortBy?.[0];
  const by = columns.find(({ name }) => name === sort?.displayName)?.from;
  if (sort && !by) throw new Error(`${panel.title} sorts by ${sort.displayName}, which is no column`);
  const order = (one, other) => (typeof one[by] === "number" ? one[by] - other[by] : String(one[by]).localeCompare(other[by]));
  if (by) all.sort((one, other) => order(one, other) * (sort.desc ? -1 : 1));
  const body = all.map((row) => `<tr>${columns.map((column) => cell(panel, column, row, all)).join("")}`);
  return `<table class="rows"><tr>${columns.map(({ name }) => heading(panel, name)).join("")}${body.join("")}</table>`;
}

function cell(panel, { name, from }, row, all) {
  const [value, config] = [row[from], settings(panel, name)];
  const [shown, kind] = [escaped(text(value, config)), config.custom?.cellOptions?.type];
  const shade = typeof value === "number" ? color(value, config) : "transparent";
  const side = typeof value === "number" && !config.mappings ? "number" : config.links ? "link" : "";
  if (kind === "color-background") return `<td class="${side}" style="background:${shade};color:${ink(shade)}">${shown}`;
  if (kind === "color-text") return `<td class="${side}" style="color:${shade}">${shown}`;
  if (kind !== "gauge") return `<td class="${side}">${shown}`;
  const share = (100 * value) / Math.max(...all.map((each) => each[from]));
  return `<td class="wide"><div class="track with"><i style="width:${share}%;background:${shade}"></i></div><b>${shown}</b>`;
}

const legend = (entries) => `<p class="legend">${entries.map(([name, shade]) => `<span><i style="background:${shade}"></i>${escaped(name)}</span>`).join("")}</p>`;

/** Where a moment lies on the axis, from 0 to 1. */
const along = (page, time) => (time - page.from) / (page.to - page.from);

function axis(page, panel) {
  const times = (panel.gridPos.w < 8 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((share) => {
    const time = new Date(1000 * (page.from + share * (page.to - page.from))).toTimeString().slice(0, 8);
    return `<span style="left:${100 * share}%">${time}</span>`;
  });
  return `<div class="axis">${times.join("")}</div>`;
}

/** Series with a bottom and a top for each moment; those of a stack lie on each other. */
function layers(panel, all) {
  const floors = new Map();
  return all.map((one, place) => {
    const stacked = panel.fieldConfig.defaults.custom.stacking.mode === "normal";
    const points = one.values.map(([time, value]) => {
      const floor = stacked ? floors.get(time) ?? 0 : 0;
      floors.set(time, floor + Number(value));
      return { time, floor, top: floor + Number(value) };
    });
    return { name: one.name, points, shade: color(last(one), settings(panel, one.name), place) };
  });
}

function timeseries(panel, page) {
  const made = layers(panel, named(panel));
  const { drawStyle, fillOpacity, axisPlacement } = panel.fieldConfig.defaults.custom;
  const marks = ticks(Math.max(...made.flatMap(({ points }) => points.map((point) => point.top)).filter(Number.isFinite)), panel.fieldConfig.defaults);
  const top = marks.at(-1);
  const [x, y] = [(time) => (1000 * along(page, time)).toFixed(1), (value) => (1000 - (1000 * value) / top).toFixed(1)];
  const shapes = made.map(({ points, shade }) => {
    const boxes = points.map(({ time, floor, top: upper }, place) => {
      const next = points[place + 1]?.time - time <= 2 * page.step ? points[place + 1].time : time + page.step;
      return { left: x(time), right: x(next), low: y(floor), high: y(upper) };
    });
    const areas = boxes.map(({ left, right, low, high }) => `M${left} ${low}V${high}H${right}V${low}Z`).join("");
    const line = boxes.map(({ left, right, high }, place) => `${place && boxes[place - 1].right === left ? "L" : "M"}${left} ${high}H${right}`).join("");
    const stroke = drawStyle === "line" ? `<path d="${line}" fill="none" stroke="${shade}" stroke-width="1.5" vector-effect="non-scaling-stroke"/>` : "";
    return `<path d="${areas}" fill="${shade}" fill-opacity="${fillOpacity / 100}"/>${stroke}`;
  });
  const told = axisPlacement === "hidden" ? [] : marks;
  const scale = told.map((mark) => `<span style="bottom:${(100 * mark) / top}%">${escaped(text(mark, panel.fieldConfig.defaults))}</span>`);
  return `<div class="plot"><div class="scale">${scale.join("")}</div><svg viewBox="0 0 1000 1000" preserveAspectRatio="none">${shapes.join("")}</svg></div>`
    + `${axis(page, panel)}${legend(made.map(({ name, shade }) => [name, shade]))}`;
}

/** Stretches of time with the same value. */
function stretches(values, step) {
  const made = [];
  for (const [time, value] of values) {
    const before = made.at(-1);
    if (before?.value === value && time - before.to <= step) before.to = time + step;
    else made.push({ from: time, to: time + step, value });
  }
  return made;
}

function timeline(panel, page) {
  const config = panel.fieldConfig.defaults;
  const all = named(panel);
  // Grafana turns the page after so many lines
  const shown = all.slice(0, panel.options.perPage ?? 20);
  const seen = new Map();
  const lines = shown.map((one) => {
    const blocks = stretches(one.values, page.step).map(({ from, to, value }) => {
      const [shade, word] = [color(Number(value), config), text(Number(value), config)];
      seen.set(word, shade);
      const [left, right] = [from, Math.min(to, page.to)].map((time) => 100 * along(page, time));
      return `<i style="left:${left}%;width:${right - left}%;background:${shade};color:${ink(shade)}">${right - left > 6 ? escaped(word) : ""}</i>`;
    });
    return `<div class="name">${escaped(one.name)}</div><div class="line">${blocks.join("")}</div>`;
  });
  const more = all.length > shown.length ? `<p class="more">1–${shown.length} of ${all.length}</p>` : "";
  return `<div class="timeline">${lines.join("")}</div><div class="under">${axis(page, panel)}</div>${more}${legend([...seen])}`;
}

function piechart(panel) {
  const all = named(panel).map((one, place) => ({ name: one.name, value: last(one), shade: color(last(one), settings(panel, one.name), place) }));
  const sum = all.reduce((before, { value }) => before + value, 0);
  let at = 0;
  const parts = all.map(({ value, shade }) => `${shade} ${(360 * at) / sum}deg ${(360 * (at += value)) / sum}deg`);
  return `<div class="pie" style="background:radial-gradient(#181b1f 38%,transparent 39%),conic-gradient(${parts.join()})"></div>${legend(all.map(({ name, value, shade }) => [`${name} ${value}`, shade]))}`;
}

const KINDS = { stat, bargauge, table, timeseries, "state-timeline": timeline, piechart };

/** The inside of a panel. */
export function drawn(panel, page) {
  const kind = KINDS[panel.type];
  if (!kind) throw new Error(`${panel.title} is a ${panel.type}, which tests/dashboards/panels.mjs cannot draw`);
  const hasData = panel.targets.some(({ series }) => series.some((one) => (one.values ?? [one.value]).some(([, value]) => value !== "NaN")));
  return hasData ? kind(panel, page) : `<div class="nothing">${escaped(panel.fieldConfig.defaults.noValue ?? "No data")}</div>`;
}
