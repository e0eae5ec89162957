// Brings changes to an open page and sends acts to the API. Without it the pages read the same, and reload by themselves.
"use strict";

const EVERY = 5000;
// Without an answer for longer than two refreshes, what is shown may be old.
const SILENT = 2 * EVERY + 1000;
const said = document.getElementById("said");
const silent = document.getElementById("silent");
const held = document.getElementById("held");
const asOf = document.querySelector("[data-live=asof]");
// What the daemon last sent for a part: what stands there now may have been opened or counted down since.
const sent = new WeakMap();
let heard = Date.now();
let news = asOf.querySelector("time").textContent;
let trouble = "";
let isAsking = false;

function isChanged(field) {
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  const options = Array.from(field.options);
  return field.selectedIndex !== Math.max(0, options.findIndex((option) => option.defaultSelected));
}

// Why a part must stay as it is for now; nothing where it may change.
function hold(part) {
  const focus = document.activeElement;
  const isIn = (kind) => focus && focus !== document.body && part.contains(focus) && focus.matches(kind);
  if (isIn("input, select, textarea")) return "while you type";
  if (part.querySelector("details[open] form")) return "while a form is open";
  if (Array.from(part.querySelectorAll("input, select, textarea")).some(isChanged)) return "while a form is filled in";
  return isIn("pre, [role=region]") ? "while you read in a part of it" : "";
}

// What an opened part is called: its row and its title.
function title(details) {
  const row = details.closest("tr, section");
  const links = Array.from(row?.querySelectorAll("a[href]") ?? [], (link) => link.getAttribute("href"));
  return [row?.id, ...links, details.querySelector("summary").textContent].join(" ");
}

function put(part, other) {
  const focus = part.contains(document.activeElement) ? document.activeElement : null;
  const link = focus?.getAttribute("href");
  const summary = focus?.matches("summary") ? title(focus.parentElement) : null;
  const open = new Set(Array.from(part.querySelectorAll("details[open]"), title));
  part.replaceChildren(...other.childNodes);
  for (const details of part.querySelectorAll("details")) {
    const name = title(details);
    if (open.has(name)) details.open = true;
    if (name === summary) details.querySelector("summary").focus();
  }
  if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
}

// Puts in what changed. What is held back keeps its time.
function show(fresh) {
  let why = "";
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (part === asOf || !other) continue;
    const text = other.innerHTML;
    if (text === (sent.get(part) ?? part.innerHTML)) continue;
    const reason = hold(part);
    if (!reason) {
      put(part, other);
      sent.set(part, text);
    }
    why ||= reason;
  }
  const time = fresh.querySelector("[data-live=asof]");
  news = time.querySelector("time").textContent;
  if (!why) asOf.replaceChildren(...time.childNodes);
  tell(held, why && `Not updated since then ${why}.`);
}

function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

async function ask() {
  const settings = { headers: { accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(2 * EVERY) };
  let answer, text;
  try {
    answer = await fetch(location.href, settings);
    text = await answer.text();
  } catch {
    throw new Error("it does not answer");
  }
  if (!answer.ok) throw new Error(`it answers ${answer.status}`);
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (!fresh.querySelector("[data-live=asof] time")) throw new Error("something else answers in its place");
  return fresh;
}

async function refresh() {
  if (document.hidden || isAsking) return;
  isAsking = true;
  try {
    const fresh = await ask();
    heard = Date.now();
    trouble = "";
    show(fresh);
  } catch (error) {
    trouble = error.message;
  } finally {
    isAsking = false;
  }
  watch();
}

// Says so when the daemon is silent: a page that nothing comes to looks like a plant where nothing happens.
function watch() {
  const isSilent = !document.hidden && Date.now() - heard > SILENT;
  tell(silent, isSilent ? `No news from the daemon since ${news}: ${trouble || "it does not answer"}. What is shown may be old.` : "");
  document.body.classList.toggle("silent", isSilent);
}

// The names and digests of files; their content stays where it is.
async function digests(files) {
  if (!crypto.subtle) throw new Error("This browser makes digests only over TLS; nis2watch attest sign --evidence makes them, too.");
  const one = async (file) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    return { name: file.name, sha256: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  };
  return Promise.all(Array.from(files, one));
}

// Lines of name=value; a value that is JSON is more than text.
function pairs(text) {
  const one = (line) => {
    const [name, ...rest] = line.split("=");
    const said = rest.join("=").trim();
    try {
      return [name.trim(), JSON.parse(said)];
    } catch {
      return [name.trim(), said];
    }
  };
  return Object.fromEntries(text.split("\n").filter((line) => line.includes("=")).map(one));
}

// Lines of name=value; a name may come more than once.
function labels(text) {
  const all = {};
  for (const line of text.split("\n").filter((line) => line.includes("="))) {
    const [name, ...rest] = line.split("=");
    (all[name.trim()] ??= []).push(rest.join("=").trim());
  }
  return all;
}

// What a field says; nothing while it is empty.
function value(field) {
  if (field.type === "checkbox") return field.checked || undefined;
  if (field.type === "file") return field.files.length ? digests(field.files) : undefined;
  const text = field.value.trim();
  if (!text) return undefined;
  if (field.type === "number") return Number(text);
  if (field.type === "datetime-local") return new Date(text).toISOString();
  if (field.dataset.kind === "pairs") return pairs(text);
  if (field.dataset.kind === "labels") return labels(text);
  return field.dataset.kind === "list" ? text.split(/[\s,]+/).filter(Boolean) : text;
}

// What an act says: its fixed part, and the fields of the form around it; none while a field that is needed is empty.
async function words(button) {
  const form = button.closest("form");
  if (form && !form.reportValidity()) return null;
  const all = JSON.parse(button.dataset.body || "{}");
  for (const field of form?.elements ?? []) {
    const said = field.name ? await value(field) : undefined;
    if (said === undefined) continue;
    const keys = field.name.split(".");
    const last = keys.pop();
    keys.reduce((inner, key) => (inner[key] ??= {}), all)[last] = said;
  }
  return JSON.stringify(all);
}

async function act(button) {
  button.disabled = true;
  try {
    const body = await words(button);
    if (!body) return;
    const answer = await fetch(button.dataset.act, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const told = await answer.json();
    said.textContent = answer.ok ? "Done, and noted in the ledger." : told.error.message;
    said.className = answer.ok ? "" : "fail";
    if (answer.ok) {
      button.closest("form")?.reset();
      button.closest("details")?.removeAttribute("open");
    }
  } catch (error) {
    said.textContent = error instanceof TypeError ? "The daemon does not answer." : error.message;
    said.className = "fail";
  } finally {
    button.disabled = false;
  }
  refresh();
}

function span(seconds) {
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    if (seconds >= size && parts.length < 2) {
      parts.push(`${Math.floor(seconds / size)}${unit}`);
      seconds %= size;
    }
  }
  return parts.join(" ") || "0s";
}

function tick() {
  for (const clock of document.querySelectorAll("[data-until]")) {
    const left = Number(clock.dataset.until) - Math.floor(Date.now() / 1000);
    clock.textContent = left < 0 ? `${span(-left)} late` : `${span(left)} left`;
  }
}

document.addEventListener("submit", (event) => {
  const first = event.target.querySelector("[data-act]");
  if (!first) return;
  event.preventDefault();
  act(first);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) act(button);
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, EVERY);
setInterval(watch, 1000);
setInterval(tick, 1000);
