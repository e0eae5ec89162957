// Values as Grafana writes and colours them: units, thresholds, mappings, overrides.

const DURATIONS = [[31536000, "years"], [604800, "weeks"], [86400, "days"], [3600, "hours"], [60, "mins"], [1, "s"], [1e-3, "ms"], [0, "µs"]];
// Grafana's classic palette; series take its colours in turn
const CLASSIC = ("#73BF69 #F2CC0C #8AB8FF #FF780A #F2495C #5794F2 #B877D9 #705DA0 #37872D #FADE2A #447EBC #C15C17 #890F02 #0A437C #6D1F62 #584477 "
  + "#B7DBAB #F4D598 #70DBED #F9BA8F #F29191 #82B5D8 #E5A8E2 #AEA2E0 #629E51 #E5AC0E #64B0C8 #E0752D #BF1B00 #0A50A1 #962D82 #614D93 #9AC48A #F2C96D "
  + "#65C5DB #F9934E #EA6460 #5195CE #D683CE #806EB7 #3F6833 #967302 #2F575E #99440A #58140C #052B51 #511749 #3F2B5B #E0F9D7 #FCEACA #CFFAFF #F9E2D2 "
  + "#FCE2DE #BADFF4 #F9D9F9 #DEDAF7").split(" ");

const short = (number, decimals) => String(Number(number.toFixed(decimals ?? (Math.abs(number) < 10 ? 2 : 1))));

/** A number in steps of a thousand, or of 1024. */
function scaled(number, base, names, decimals) {
  const step = Math.abs(number) < base ? 0 : Math.min(names.length - 1, Math.floor(Math.log(Math.abs(number)) / Math.log(base)));
  return `${short(number / base ** step, step ? undefined : decimals)}${names[step]}`;
}

/** Seconds in the unit that suits them. */
function duration(seconds) {
  const [size, name] = DURATIONS.find(([size]) => Math.abs(seconds) >= size) ?? DURATIONS.at(-1);
  return seconds === 0 ? "0 s" : `${short(seconds / (size || 1e-6))} ${name}`;
}

const UNITS = {
  none: (number) => short(number),
  short: (number, decimals) => scaled(number, 1000, ["", " K", " Mil", " Bil", " Tri"], decimals),
  percentunit: (number, decimals) => `${short(100 * number, decimals ?? 1)}%`,
  s: duration,
  bytes: (number) => scaled(number, 1024, [" B", " KiB", " MiB", " GiB"]),
  Bps: (number) => scaled(number, 1000, [" B/s", " kB/s", " MB/s"]),
  ops: (number) => `${short(number)} ops/s`,
  pps: (number) => `${short(number)} p/s`,
  dateTimeAsIso: (number) => new Date(number).toISOString().slice(0, 19).replace("T", " "),
};

/** The settings of a column or series: the defaults of the panel with the overrides for its name. */
export function settings(panel, name) {
  const made = structuredClone(panel.fieldConfig.defaults);
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    if (matcher.id !== "byName" || matcher.options !== name) continue;
    for (const { id, value } of properties) {
      const path = id.split(".");
      path.slice(0, -1).reduce((inside, key) => (inside[key] ??= {}), made)[path.at(-1)] = value;
    }
  }
  return made;
}

const mapped = (value, config) => config.mappings?.find(({ type, options }) => type === "value" && options[value])?.options[value];

/** The text of a value. */
export function text(value, config) {
  if (value === undefined || value === null) return "";
  const number = Number(value);
  if (mapped(value, config)) return mapped(value, config).text;
  if (typeof value === "string" || Number.isNaN(number)) return String(value);
  if (config.unit?.startsWith("suffix:")) return number.toFixed(config.decimals ?? 1) + config.unit.slice("suffix:".length);
  const unit = UNITS[config.unit ?? "none"];
  if (!unit) throw new Error(`the unit ${config.unit} is not known to tests/dashboards/values.mjs`);
  return unit(number, config.decimals);
}

/** The colour of a value of the series in this place. */
export function color(value, config, place = 0) {
  const mapping = mapped(value, config);
  if (mapping) return mapping.color;
  if (config.color?.mode === "fixed") return config.color.fixedColor;
  if (config.color?.mode === "shades") return shaded(config.color.fixedColor, place);
  if (config.color?.mode === "palette-classic") return CLASSIC[place % CLASSIC.length];
  const steps = config.thresholds?.steps ?? [{ color: "#999999", value: null }];
  return steps.findLast((step) => step.value === null || value >= step.value).color;
}

/** Numbers for an axis from zero to at least `top`, at round distances; whole ones for what is counted. */
export function ticks(top, config) {
  const base = config.unit === "bytes" ? 1024 ** Math.floor(Math.log(Math.max(top, 1)) / Math.log(1024)) : 1;
  const rough = (top || 1) / base / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].find((factor) => factor * size >= rough) * size;
  const step = base * (config.decimals === 0 ? Math.max(1, Math.ceil(round)) : round);
  return Array.from({ length: Math.ceil((top || step) / step) + 1 }, (_, place) => place * step);
}

/** The first is the colour itself, each other one darker. */
function shaded(shade, place) {
  const parts = [1, 3, 5].map((at) => Math.round(parseInt(shade.slice(at, at + 2), 16) * 0.75 ** place));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Black or white, whichever is read better on this colour. */
export function ink(ground) {
  if (!ground.startsWith("#")) return "inherit";
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(ground.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.2 ? "#111217" : "#ffffff";
}
