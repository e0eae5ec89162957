// Brings changes to an open page and sends acts to the API. Without it the pages read the same, and reload by themselves.
"use strict";

const EVERY = 5000;
const said = document.getElementById("said");

function isUsed(part) {
  const focus = document.activeElement;
  return focus && focus !== document.body && part.contains(focus) && focus.matches("input, select, textarea, summary, pre, [role=region]");
}

async function refresh() {
  if (document.hidden || document.querySelector("details[open]")) return;
  let answer;
  try {
    answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  } catch {
    said.textContent = "The daemon does not answer; what is shown may be old.";
    return;
  }
  if (!answer.ok) {
    said.textContent = `The daemon answers ${answer.status}; what is shown may be old.`;
    return;
  }
  if (said.textContent.startsWith("The daemon")) said.textContent = "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!other || isUsed(part) || part.innerHTML === other.innerHTML) continue;
    const link = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...other.childNodes);
    if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
  }
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
setInterval(refresh, EVERY);
setInterval(tick, 1000);
