// Check the browser page in headless Chromium against Mosquitto's websockets: `make check-console`.
//
// Needs Debian's packages chromium, mosquitto and nodejs, and npm. Pictures are written to build/console/pictures.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Box, mixedNight } from "./console/boxes.mjs";
import { checkAcknowledge, checkMeanwhile, checkPlace } from "./console/acknowledging.mjs";
import { checkAway, checkOverload, checkShutOut } from "./console/attention.mjs";
import {
  BUILD,
  PICTURES,
  ROOT,
  axe,
  consoleErrors,
  findings,
  openPage,
  picture,
  require,
  sleep,
} from "./console/checking.mjs";
import { Mosquitto, freePort, install, program, serve } from "./console/tools.mjs";

const STATIC = join(ROOT, "edge", "control_room", "page", "static");
const SITE = "docks";
const MANY = Number(process.env.BOXES ?? 500);
const LOGIN = { user: "control-room", password: "only for this check" };
const PASSWORDS = { [LOGIN.user]: LOGIN.password, boxes: "of the boxes", stranger: "of a stranger" };
// The rights of the control room are those that gammabox-firmware renders.
const RIGHTS = {
  [LOGIN.user]: [`topic read gammabox/${SITE}/#`, `topic write gammabox/${SITE}/+/cmd/#`],
  boxes: ["topic readwrite gammabox/#"],
};
const VENDORED = {
  "mqtt.esm.js": ["mqtt", "dist/mqtt.esm.js"],
  "uPlot.iife.min.js": ["uplot", "dist/uPlot.iife.min.js"],
  "uPlot.min.css": ["uplot", "dist/uPlot.min.css"],
  "preact.mjs": ["preact", "dist/preact.mjs"],
};
const PHONE = { width: 390, height: 844 };

const python = process.argv[2] ?? join(ROOT, ".venv", "bin", "python");

function versions() {
  const table = readFileSync(join(STATIC, "vendor", "README.txt"), "utf8");
  return Object.fromEntries(
    [...table.matchAll(/^\S+ +(mqtt|uplot|preact) +(\d+\.\d+\.\d+) /gm)].map((found) => found.slice(1)),
  );
}

function compareVendored(modules) {
  const bare = (path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => !line.includes("sourceMappingURL"))
      .join("\n")
      .trim();
  for (const [name, [module, path]] of Object.entries(VENDORED)) {
    require(bare(join(STATIC, "vendor", name)) === bare(join(modules, module, path)), `${name} is that of npm`);
  }
}

async function logIn(page, password = LOGIN.password, user = LOGIN.user) {
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
}

async function checkLogin(browser, url, script) {
  const page = await openPage(browser, url);
  await axe(page, script, "login");
  await picture(page, "login");
  await logIn(page, "wrong");
  await page.getByText("refuses the login").waitFor();
  require(true, "a wrong password is told");
  await logIn(page, PASSWORDS.stranger, "stranger");
  await page.getByText("may have no right to read them").waitFor();
  require(true, "a login without rights sees no box, and why");
  await page.getByRole("button", { name: "Log out" }).click();
  await logIn(page);
  await page.getByText("Connected").waitFor();
  await page.getByText("gate-north").waitFor();
  require(await page.getByText("Sound: on").isVisible(), "the sound is on after the login");
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]),
  );
  require(!stored.includes(LOGIN.password), "the password is kept in memory only");
  return page;
}

async function checkAlarm(page, box, script) {
  await picture(page, "calm-desk");
  const began = Date.now();
  await box.alarm();
  await page.getByRole("heading", { name: /ALARM: North gate/ }).waitFor();
  require(Date.now() - began < 1000, "an alarm is shown within a second", `${Date.now() - began} ms`);
  require((await page.title()).startsWith("(1) ALARM"), "the title says so");
  require((await page.locator("#spoken").textContent()).includes("North gate"), "and a screen reader hears it");
  await axe(page, script, "alarm, dark or light as the system");
  await picture(page, "alarm-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await axe(page, script, "alarm, dark");
  await picture(page, "alarm-dark");
  await page.emulateMedia({ colorScheme: "light" });
}

async function checkLoss(page, mosquitto, box) {
  await box.endSilence();
  await page.locator(".banner.alarm").getByText("North gate").first().waitFor();
  await page.getByText("It rings again: the silence of J. Okafor was over").first().waitFor();
  require(true, "the banner comes back when a silence is over, and says why");
  let began = Date.now();
  await mosquitto.stop();
  await page.getByText("No connection", { exact: true }).waitFor();
  require(Date.now() - began < 2000, "a lost connection is shown at once", `${Date.now() - began} ms`);
  require((await page.title()).includes("NO CONNECTION"), "the title says so");
  await page.getByText("CONNECTION LOST since").waitFor();
  await page.getByText("All below is old; no alarm can come.").first().waitFor();
  await picture(page, "lost");
  await mosquitto.start();
  await page.getByText("Connected", { exact: true }).waitFor();
  require(true, "the connection is regained", `${Date.now() - began} ms after its loss`);
  require((await page.getByText("have fallen away").count()) === 0, "and no box has fallen away by it");
  began = Date.now();
  mosquitto.freeze(true);
  await page.getByText("No connection", { exact: true }).waitFor({ timeout: 40_000 });
  require(Date.now() - began < 21_000, "a broker that is frozen is noticed", `${Date.now() - began} ms`);
  mosquitto.freeze(false);
  await page.getByText("Connected", { exact: true }).waitFor({ timeout: 40_000 });
  require(true, "and found again");
}

async function checkHostile(page, box) {
  await box.info({ place: "<img src=x onerror=alert(1)> \u001b[2J\u202e gate" });
  await box.publish("health", '{"fps": 1e999}');
  await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  const text = await page.evaluate(() => document.body.textContent);
  require(!/[\p{Cc}\p{Cf}]/u.test(text.replaceAll("\n", "")), "no control sign of a message reaches the page");
  require((await page.locator("img").count()) === 0, "no markup of a message does either");
  await page
    .getByText(/health cannot be read/)
    .first()
    .waitFor();
  require(true, "a message that is none is told as a fault of its box");
  await box.info();
  await box.health();
}

async function checkPhone(browser, url, script, boxes) {
  const page = await openPage(browser, url, {
    viewport: PHONE,
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  await logIn(page);
  await page.getByText("Connected").waitFor();
  await sleep(800);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  require(wide <= PHONE.width, "nothing is cut off on a phone", `${wide} of ${PHONE.width} pixels`);
  await axe(page, script, "phone");
  await picture(page, "phone-list");
  await page.getByRole("button", { name: "Stop the sound on this screen only" }).last().tap();
  await sleep(200);
  await picture(page, "phone-quiet");
  await page.locator(".box.alarm").first().tap();
  await sleep(300);
  await picture(page, "phone-details", { fullPage: true });
  await page.getByRole("button", { name: "Close the details" }).tap();
  await checkPlace(page, boxes);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("button", { name: "Plan" }).tap();
  await sleep(200);
  await axe(page, script, "plan on a phone, dark");
  await picture(page, "phone-plan-dark");
  await page.context().close();
}

async function checkMany(browser, url, client, script) {
  const boxes = Array.from(
    { length: MANY },
    (_, number) => new Box(client, SITE, `box-${String(number).padStart(3, "0")}`, number),
  );
  await Promise.all(boxes.map((box) => box.begin()));
  const page = await openPage(browser, url);
  const began = Date.now();
  await logIn(page);
  await page.waitForFunction((count) => document.querySelectorAll(".box").length >= count, MANY);
  require(Date.now() - began <
    10_000, `${MANY} boxes are listed within 10 s of the login`, `${Date.now() - began} ms`);
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
    }).observe({ entryTypes: ["longtask"] });
  });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const threadTime = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ThreadTime").value;
  };
  const spent = await threadTime();
  // Each box sends a message in ten seconds; then comes an alarm among them.
  for (let second = 0; second < 10; second += 1) {
    const group = boxes.filter((_, number) => number % 10 === second);
    await Promise.all(group.map((box) => box.health(0.03 + 0.01 * second)));
    await sleep(1000);
  }
  const share = (await threadTime()) - spent;
  require(share <
    5, `${MANY} boxes, each with a message in 10 s, take less than half a core`, `${Math.round(10 * share)} %`);
  const alarmed = Date.now();
  await boxes[21].alarm();
  await page.getByRole("heading", { name: /box-021/ }).waitFor();
  const delay = Date.now() - alarmed;
  require(delay < 3000, `an alarm among ${MANY} boxes is shown at once`, `${delay} ms`);
  const longest = await page.evaluate(() => Math.round(window.longest));
  require(longest < 500, `the page stays fluid with ${MANY} boxes`, `longest task ${longest} ms`);
  await picture(page, "many-list");
  await page.getByRole("button", { name: "Plan" }).click();
  await sleep(300);
  await picture(page, "many-plan");
  await page.getByRole("button", { name: "List" }).click();
  await axe(page, script, `${MANY} boxes`);
  await checkAway(page, boxes, script);
  await page.context().close();
}

async function checkSound(browser, url, box) {
  const page = await openPage(browser, url);
  await page.getByLabel("Stay logged in").check();
  await logIn(page);
  await page.getByText("Connected").waitFor();
  await page.reload();
  await page.getByText("Connected").waitFor();
  await box.alarm();
  await page.getByText("keeps this page silent").waitFor();
  require(true, "a page that cannot be heard says so");
  await page.getByRole("button", { name: "Turn sound on" }).first().click();
  await page.getByText("Sound: on").waitFor();
  require(true, "one press turns the sound on");
  await page.emulateMedia({ reducedMotion: "reduce" });
  const motion = await page.evaluate(
    () => getComputedStyle(document.querySelector(".banner.alarm .symbol")).animationName,
  );
  require(motion === "none", "nothing moves where less motion is wished", motion);
  await page.context().close();
}

async function main() {
  const [chromium, broker] = [program("chromium", "chromium-browser", "google-chrome"), program("mosquitto")];
  const missing = Object.entries({ chromium, mosquitto: broker, npm: program("npm") }).filter(([, path]) => !path);
  if (missing.length) {
    console.error(
      `error: ${missing.map(([name]) => name).join(", ")} not found; install: apt-get install chromium mosquitto npm`,
    );
    process.exit(2);
  }
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  const modules = install(BUILD, { ...versions(), "playwright-core": "1.65.1", "axe-core": "4.14.1" });
  const load = createRequire(join(BUILD, "package.json"));
  const mqtt = load("mqtt");
  compareVendored(modules);
  const [port, webPort, pagePort] = [await freePort(), await freePort(), await freePort()];
  rmSync(join(BUILD, "mosquitto.db"), { force: true });
  const mosquitto = new Mosquitto(broker, BUILD, port, webPort, PASSWORDS, RIGHTS);
  await mosquitto.start();
  const folder = join(BUILD, "page");
  const command = "from edge.commands.cli import main; main()";
  const written = spawnSync(
    python,
    ["-c", command, "page", folder, "--broker", `wss://127.0.0.1:${webPort}`, "--site", SITE],
    { cwd: ROOT, encoding: "utf8" },
  );
  if (written.status !== 0) throw new Error(written.stderr);
  const server = await serve(folder, pagePort);
  const url = `http://127.0.0.1:${pagePort}/`;
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: "boxes",
    password: PASSWORDS.boxes,
    protocolVersion: 5,
  });
  const browser = await load("playwright-core").chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  const script = readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8");
  try {
    const boxes = await mixedNight(client, SITE);
    const page = await checkLogin(browser, url, script);
    await checkAlarm(page, boxes[0], script);
    await checkAcknowledge(page, boxes[0], script, python);
    await checkMeanwhile(page, boxes[1], script);
    await checkOverload(page, boxes[4], script);
    await checkHostile(page, boxes[1]);
    await checkPhone(browser, url, script, [boxes[0], boxes[5], boxes[9]]);
    await checkSound(browser, url, boxes[3]);
    await checkLoss(page, mosquitto, boxes[0]);
    await checkShutOut(page, mosquitto, LOGIN, () => logIn(page), script);
    await checkMany(browser, url, client, script);
    // A refused connection is an error to the browser; everything else would be one of the page.
    const odd = consoleErrors.filter((text) => !/WebSocket/.test(text));
    require(!odd.length, "the browser's console shows no error", odd.slice(0, 3).join("; "));
  } finally {
    await browser.close();
    client.end(true);
    server.close();
    await mosquitto.stop("SIGKILL");
  }
  const failed = findings.filter((isTrue) => !isTrue).length;
  console.log(`\n${findings.length - failed} of ${findings.length} checks passed; pictures are in ${PICTURES}`);
  process.exit(failed ? 1 : 0);
}

await main();
