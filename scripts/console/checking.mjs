// What the checks of the browser page share: they count what they find, open the page, look at it with axe-core, and
// take pictures.

import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "..", "..");
export const BUILD = join(ROOT, "build", "console");
export const PICTURES = join(BUILD, "pictures");
export const findings = [];
export const consoleErrors = [];
const DESK = { width: 1280, height: 800 };

/** Count and print whether something is as it has to be. */
export function require(isTrue, what, found = "") {
  findings.push(isTrue);
  console.log(`${isTrue ? "ok  " : "FAIL"}  ${what}${found === "" ? "" : `: ${found}`}`);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Open the page in a browser window of its own. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: DESK, ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && consoleErrors.push(message.text()));
  page.on("pageerror", (error) => consoleErrors.push(String(error)));
  await page.goto(url);
  return page;
}

/** Require that axe-core finds nothing serious. */
export async function axe(page, script, what) {
  await page.evaluate(script);
  const { violations } = await page.evaluate(() => axe.run());
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const names = violations.map(({ id, impact, nodes }) => `${id} (${impact}, ${nodes[0].html.slice(0, 80)})`);
  require(!serious.length, `axe-core finds nothing serious: ${what}`, names.join("; ") || "nothing at all");
}

export const picture = (page, name, options = {}) =>
  page.screenshot({ path: join(PICTURES, `${name}.png`), ...options });
