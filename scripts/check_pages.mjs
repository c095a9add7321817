// Look at pages in headless Chromium, for scripts/check_pages.py: from FOLDER/html, with pictures to FOLDER/pictures.

import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

import { install, program } from "./console/tools.mjs";

const FOLDER = resolve(process.argv[2]);
const PICTURES = join(FOLDER, "pictures");
const WIDTHS = { desk: 1400, phone: 400 };
const STYLES = ["light", "dark"];
const findings = [];

function require(isTrue, what, found = "") {
  findings.push(isTrue);
  console.log(`${isTrue ? "ok  " : "FAIL"}  ${what}${found === "" ? "" : `: ${found}`}`);
}

async function look(browser, script, name, width, style) {
  const context = await browser.newContext({ viewport: { width: WIDTHS[width], height: 900 }, colorScheme: style });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || problems.push(request.url()));
  await page.goto(`file://${join(FOLDER, "html", `${name}.html`)}`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  require(wider <= 0, `${name} fits ${WIDTHS[width]} pixels, ${style}`, wider > 0 ? `${wider} pixels too wide` : "");
  await page.evaluate(script);
  const { violations } = await page.evaluate(() => axe.run());
  const told = violations.map(({ id, impact, nodes }) => `${id} (${impact}, ${nodes[0].html.slice(0, 90)})`);
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  require(!serious.length, `axe-core finds nothing serious in ${name}, ${width}, ${style}`, told.join("; "));
  require(!problems.length, `${name} loads nothing else and shows no error`, problems.slice(0, 3).join("; "));
  await page.reload();
  await page.screenshot({ path: join(PICTURES, `${name}-${width}-${style}.png`), fullPage: true });
  const hits = page.getByRole("region", { name: "Hits, enlarged" });
  if (width === "desk" && (await hits.count())) await hits.screenshot({ path: join(PICTURES, `hits-${style}.png`) });
  await context.close();
}

/** The choice of a style wins over that of the system, and paper is light. */
async function choose(browser, name) {
  const page = await browser.newPage({ colorScheme: "dark" });
  await page.goto(`file://${join(FOLDER, "html", `${name}.html`)}`);
  const ground = () => page.evaluate(() => getComputedStyle(document.querySelector("section")).backgroundColor);
  const dark = await ground();
  await page.getByRole("radio", { name: "light" }).check();
  const light = await ground();
  require(dark !== light && light === "rgb(255, 255, 255)", `${name} follows the choice of its style`, light);
  await page.getByRole("radio", { name: "dark" }).check();
  await page.emulateMedia({ media: "print" });
  require((await ground()) === light, `${name} is light on paper`);
  await page.close();
}

async function main() {
  const chromium = program("chromium", "chromium-browser", "google-chrome");
  if (!chromium || !program("npm")) {
    console.error("error: chromium or npm not found; install: apt-get install chromium npm");
    process.exit(2);
  }
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  const modules = install(FOLDER, { "playwright-core": "1.65.1", "axe-core": "4.14.1" });
  const load = createRequire(join(FOLDER, "package.json"));
  const script = readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8");
  const browser = await load("playwright-core").chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  const names = readdirSync(join(FOLDER, "html")).flatMap((file) => file.match(/^(.*)\.html$/)?.[1] ?? []);
  try {
    for (const name of names) {
      for (const width of Object.keys(WIDTHS)) {
        for (const style of STYLES) await look(browser, script, name, width, style);
      }
    }
    await choose(browser, names[0]);
  } finally {
    await browser.close();
  }
  const failed = findings.filter((isTrue) => !isTrue).length;
  console.log(`\n${findings.length - failed} of ${findings.length} checks passed; pictures are in ${PICTURES}`);
  process.exit(failed || !names.length ? 1 : 0);
}

await main();
