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

// What a field says; nothing while it is empty.
function value(field) {
  if (field.type === "checkbox") return field.checked || undefined;
  const text = field.value.trim();
  if (!text) return undefined;
  if (field.type === "number") return Number(text);
  if (field.type === "datetime-local") return new Date(text).toISOString();
  return field.dataset.kind === "list" ? text.split(/[\s,]+/).filter(Boolean) : text;
}

// What an act says: its fixed part, and the fields of the form around it; none while a field that is needed is empty.
function words(button) {
  const form = button.closest("form");
  if (form && !form.reportValidity()) return null;
  const all = JSON.parse(button.dataset.body || "{}");
  for (const field of form?.elements ?? []) {
    const said = field.name ? value(field) : undefined;
    if (said === undefined) continue;
    const keys = field.name.split(".");
    const last = keys.pop();
    keys.reduce((inner, key) => (inner[key] ??= {}), all)[last] = said;
  }
  return JSON.stringify(all);
}

async function act(button) {
  const body = words(button);
  if (!body) return;
  button.disabled = true;
  try {
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
  } catch {
    said.textContent = "The daemon does not answer.";
  }
  button.disabled = false;
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
