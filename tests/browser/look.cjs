// What a person does with the pages, and what must not happen meanwhile. The argument is the address of the plant.
"use strict";

const assert = require("node:assert");
const { chromium } = require("playwright-core");

const home = process.argv[2];
const shots = process.env.SHOTS;
const plant = Number(process.env.PLANT);
const PAGES = ["/", "/assets", "/assets/mes-01", "/assets/mes-01/ssh-root-login", "/checks", "/checks/ssh-root-login", "/results?state=fail", "/controls",
  "/baselines", "/segmentation", "/waivers",
  "/attestations", "/feeds", "/calendar", "/incidents", "/ledger", "/runbooks"];

/** A page of a user; everything that goes wrong on it is kept. */
async function open(browser, user, settings = {}) {
  const httpCredentials = { username: user, password: "look-here", origin: home };
  const context = await browser.newContext({ baseURL: home, httpCredentials, viewport: { width: 1440, height: 900 }, ...settings });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/40[13]/.test(message.text())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(home) && !request.url().startsWith("data:")) wrong.push(`asked ${request.url()}`);
  });
  return { page, wrong };
}

const steps = {
  async "from the overview to the evidence of a fail in two clicks, reason and fix on the way"({ page }) {
    await page.goto("/");
    await page.waitForSelector(".findings .fail", { timeout: 90_000 });
    const row = page.locator(".findings tbody tr", { has: page.locator(".state.fail") }).first();
    assert.notEqual((await row.locator("td").nth(4).innerText()).trim(), "", "the overview lacks the fix");
    await row.locator("td").nth(1).locator("a").click();
    await page.waitForURL(/\/assets\/[^/]+$/);
    const fail = page.locator(".checks tbody tr", { has: page.locator(".state.fail") }).first();
    assert.notEqual((await fail.locator("td").nth(2).innerText()).trim(), "", "the asset lacks the reason");
    await fail.locator("td").nth(1).locator("a").first().click();
    await page.waitForURL(/\/assets\/[^/]+\/[^/]+$/);
    await page.getByText("What it rests on").waitFor();
    await page.getByText("What to do").first().waitFor();
  },

  async "a filter shows what it says and keeps its choice"({ page }) {
    await page.goto("/assets");
    const all = await page.locator("table.assets tbody tr").count();
    await page.getByLabel("Text").fill("mes-01");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/q=mes-01/);
    assert.equal(await page.locator("table.assets tbody tr").count(), 1);
    assert.ok(all > 5, `${all} assets`);
    assert.equal(await page.getByLabel("Text").inputValue(), "mes-01");
  },

  async "who may only look is refused with the way out, and who may act is not"({ page, other }) {
    const visited = () => other.page.evaluate(async () => (await (await fetch("/api/v1/assets/mes-01")).json()).visit?.at);
    await other.page.goto("/");
    const before = await visited();
    for (const [one, expected] of [[page, /needs the role operator; guest is viewer/], [other.page, /noted in the ledger/]]) {
      await one.goto("/assets/mes-01");
      await one.getByRole("button", { name: "Visit now" }).click();
      await one.locator("#said", { hasText: expected }).waitFor();
    }
    for (let tries = 0; (await visited()) === before; tries += 1) {
      assert.ok(tries < 60, "nobody visited");
      await other.page.waitForTimeout(500);
    }
  },

  async "a baseline is approved by who may, with a reason, and by nobody else"({ page, other }) {
    const row = (one) => one.locator("table.findings tbody tr", { has: one.locator(".state", { hasText: "proposed" }) }).first();
    for (const [one, expected] of [[page, /needs the role approver; guest is viewer/], [other.page, /noted in the ledger/]]) {
      await one.goto("/baselines?state=proposed&asset=web-01");
      await row(one).getByText("Decide").click();
      await row(one).getByRole("button", { name: "Approve what is there" }).click();
      assert.equal(await one.locator("#said").innerText(), "", "an act without a reason went out");
      await row(one).getByLabel("Reason").fill("as built");
      await row(one).getByRole("button", { name: "Approve what is there" }).click();
      await one.locator("#said", { hasText: expected }).waitFor();
    }
    await other.page.goto("/baselines?asset=web-01");
    await other.page.locator("td", { hasText: "as built" }).first().waitFor();
  },

  async "an incident is opened, and a fail accepted, by who may, and by nobody else"({ page, other }) {
    for (const [one, role] of [[page, /needs the role operator; guest is viewer/], [other.page, /noted in the ledger/]]) {
      await one.goto("/incidents");
      await one.getByText("Open an incident", { exact: true }).click();
      await one.getByLabel("Id, such as").fill("inc-1");
      await one.getByLabel("What happened").fill("a visitor");
      await one.getByLabel("Known since").fill("2026-01-02T03:04");
      await one.getByLabel("Assets it concerns").fill("mes-01, web-01");
      await one.getByLabel("Reason").first().fill("a call");
      await one.getByRole("button", { name: "Open the incident" }).click();
      await one.locator("#said", { hasText: role }).waitFor();
    }
    await other.page.locator("section#inc-1", { hasText: "a visitor" }).waitFor({ timeout: 60_000 });
    for (const [one, role] of [[page, /needs the role approver; guest is viewer/], [other.page, /noted in the ledger/]]) {
      await one.goto("/waivers?asset=web-01&check=tls-min-version");
      await one.getByText("Accept fails", { exact: true }).click();
      await one.getByLabel("Id, such as").fill("w-1");
      await one.getByLabel("Until").fill("2099-01-02T03:04");
      await one.getByLabel("Reason").first().fill("a spare part is ordered");
      await one.getByRole("button", { name: "Accept", exact: true }).click();
      await one.locator("#said", { hasText: role }).waitFor();
    }
    await other.page.locator("tr#w-1", { hasText: "a spare part is ordered" }).waitFor({ timeout: 60_000 });
  },

  async "every page has one heading, names its table columns, and is reached with the keyboard"({ page }) {
    for (const path of PAGES) {
      await page.goto(path);
      assert.equal(await page.locator("h1").count(), 1, path);
      assert.equal(await page.locator("html").getAttribute("lang"), "en", path);
      assert.equal(await page.locator("table:not(:has(th[scope]))").count(), 0, path);
      assert.equal(await page.locator("table:not([aria-label])").count(), 0, `${path} has a table without a name`);
      assert.match(await page.locator(".asof").innerText(), /^As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/, path);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.className), "skip", path);
    }
  },

  async "text stands out from its ground as WCAG AA asks, light and dark"({ browser }) {
    for (const colorScheme of ["light", "dark"]) {
      const { page } = await open(browser, "guest", { colorScheme });
      for (const path of PAGES) {
        await page.goto(path);
        const faint = await page.evaluate(contrasts);
        assert.deepEqual(faint, [], `${path} ${colorScheme}`);
      }
      await page.context().close();
    }
  },

  async "nothing is wider than a phone"({ browser }) {
    const { page } = await open(browser, "guest", { viewport: { width: 390, height: 844 }, isMobile: true });
    for (const path of PAGES) {
      await page.goto(path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide`);
      const bare = await page.locator(".findings tbody td:not([data-label])").count();
      assert.equal(bare, 0, `${path} has cells that lose their heading`);
      await page.screenshot({ path: `${shots}/phone${name(path)}.png` });
    }
    await page.context().close();
  },

  async "without a script the pages read the same"({ browser }) {
    const { page } = await open(browser, "guest", { javaScriptEnabled: false });
    await page.goto("/");
    assert.ok((await page.locator(".findings tbody tr").count()) > 0);
    await page.context().close();
  },

  async "pictures of every page, light, dark and on a wall"({ browser }) {
    const wall = { viewport: { width: 2560, height: 1440 } };
    for (const [kind, settings] of [["light", {}], ["dark", { colorScheme: "dark" }], ["wall", { colorScheme: "dark", ...wall }]]) {
      const { page } = await open(browser, "guest", settings);
      for (const path of kind === "wall" ? ["/"] : PAGES) {
        await page.goto(path);
        await page.screenshot({ path: `${shots}/${kind}${name(path)}.png`, fullPage: kind === "light" });
      }
      await page.context().close();
    }
  },

  async "a drift appears on the open overview without a reload"({ page }) {
    await page.goto("/");
    const seen = await page.evaluate(() => (window.here = true));
    await page.locator(".feed li", { hasText: "ssh-root-login" }).filter({ hasText: "drift" }).first().waitFor({ timeout: 240_000 });
    assert.ok(seen && (await page.evaluate(() => window.here)), "the page was loaded again");
    await page.screenshot({ path: `${shots}/drift.png` });
  },

  async "what is worked on stays, and the page says since when it stands still"({ browser }) {
    const { page } = await open(browser, "guest");
    const time = () => page.locator(".asof time").innerText();
    await page.goto("/assets/mes-01");
    const first = await time();
    await page.waitForFunction((before) => document.querySelector(".asof time").textContent !== before, first);
    // sent anew and still open
    await page.goto("/controls");
    await page.locator("details summary").first().click();
    const opened = await time();
    await page.waitForFunction((before) => document.querySelector(".asof time").textContent !== before, opened);
    assert.equal(await page.locator("details[open]").count(), 1);
    // verdicts come in all the time, so the table would change
    await page.goto("/assets");
    await page.getByLabel("Text").fill("half a wo");
    await page.getByText("Not updated since then while you type").waitFor({ timeout: 120_000 });
    assert.equal(await page.getByLabel("Text").inputValue(), "half a wo");
    await page.context().close();
  },

  // the last: nothing is left to look at afterwards
  async "a daemon that is silent or gone is said so on top of every open page, whatever is open on it"({ browser, page: guest, other: shift }) {
    for (const one of [guest, shift.page]) await one.context().close();
    const opened = [];
    for (const colorScheme of ["light", "dark"]) {
      const one = async (path) => {
        const { page } = await open(browser, "guest", { colorScheme });
        await page.goto(path);
        opened.push(page);
        return page;
      };
      await one("/");
      await (await one("/baselines")).getByText("Decide", { exact: true }).nth(1).click();
      await (await one("/assets")).getByLabel("Text").fill("half a wo");
    }
    const banner = (page) => page.getByRole("alert").filter({ hasText: "No news from the daemon since" });
    process.kill(plant, "SIGSTOP");
    for (const page of opened) await banner(page).waitFor({ timeout: 30_000 });
    process.kill(plant, "SIGCONT");
    for (const page of opened) await banner(page).waitFor({ state: "hidden", timeout: 30_000 });
    process.kill(plant, "SIGKILL");
    for (const [at, page] of opened.entries()) {
      await banner(page).waitFor({ timeout: 30_000 });
      assert.ok(await banner(page).evaluate((node) => node.getBoundingClientRect().top >= 0), "the banner is out of sight");
      assert.deepEqual(await page.evaluate(contrasts), [], page.url());
      await page.screenshot({ path: `${shots}/dead-${at}.png` });
      await page.context().close();
    }
  },
};

/** Texts whose contrast is below 4.5 (3 for large ones), found on the page itself. */
function contrasts() {
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (value) => ((value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest(".skip, noscript, script, option")) continue;
    const style = getComputedStyle(node);
    const [front, back] = [light(rgb(style.color)), light(ground(node))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.add(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [...faint];
}

const name = (path) => (path === "/" ? "-overview" : path.replace(/[^a-z0-9]+/gi, "-"));

async function main() {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  const [guest, shift] = [await open(browser, "guest"), await open(browser, "shift")];
  let failed = 0;
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run({ browser, page: guest.page, other: shift });
      console.log(`ok   ${step}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${step}\n     ${String(error.stack ?? error).split("\n").slice(0, 14).join("\n     ")}`);
      await guest.page.screenshot({ path: `${shots}/failed-${failed}.png` }).catch(() => {});
    }
  }
  for (const problem of new Set([...guest.wrong, ...shift.wrong])) {
    failed += 1;
    console.log(`FAIL on a page: ${problem}`);
  }
  await browser.close();
  process.exit(failed ? 1 : 0);
}

main();
