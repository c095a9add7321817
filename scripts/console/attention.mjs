// The checks of what rings besides alarms: overloads, what a filter hides, boxes that fall away together; and of the
// crops that boxes may send of hits.

import { spawnSync } from "node:child_process";

import { ROOT, axe, picture, require, sleep } from "./checking.mjs";

/** A box that cannot judge raises no alarm itself: the page rings for it, lists it, and lets nobody overlook it. */
export async function checkOverload(page, box, script) {
  await page.getByRole("heading", { name: /OVERLOAD: Quay 3/ }).waitFor();
  require((await page.title()).includes("(1) OVERLOAD"), "an overload is shown, and the title says so");
  await page.getByRole("searchbox").fill("bridge");
  await page.getByText("hidden by the filter").waitFor();
  require(true, "a red line tells of alarms that a filter hides");
  await axe(page, script, "overload, and a filter that hides it");
  await picture(page, "overload-filter");
  await page.getByRole("button", { name: "Show all boxes" }).click();
  require((await page.getByText("hidden by the filter").count()) === 0, "it goes with the filter");
  const row = page.locator(".box.overload");
  const rate = await row.locator(".rate").textContent();
  require(rate === "> 900 hits/s", "the rate of an overload is a lower limit", rate);
  await page.getByRole("button", { name: "Stop the sound on this screen only" }).click();
  require((await page.locator(".banner.overload").count()) === 0, "an overload can be silenced on this page");
  const note = await row.locator(".note").textContent();
  require(note.startsWith("silent on this screen only"), "its row says so", note);
  await page.getByText("Silent on this screen only, but not over: quay-3.").waitFor();
  await box.health();
  await page.waitForFunction(() => !document.title.includes("OVERLOAD"));
  await box.health(900, { overload: "1,300 candidates a second, 400 can be judged" });
  await page.getByRole("heading", { name: /OVERLOAD: Quay 3/ }).waitFor();
  require(true, "one that comes back rings anew");
  await page.getByRole("button", { name: "Alarms, 1 missed" }).click();
  const listed = await page.getByText(/^overload /).allTextContents();
  require(listed.length === 2 &&
    listed[1].includes(", over after "), "overloads stand in the list of alarms", listed.length);
  require((await page.locator(".session strong.missed").count()) === 1, "the missed one stands out there");
  await picture(page, "session");
  await page.getByRole("button", { name: "List", exact: true }).click();
}

/** A page that has watched is refused by the broker when it connects again: it must not fall silent. */
export async function checkShutOut(page, mosquitto, login, logIn, script) {
  await mosquitto.stop();
  mosquitto.setPassword(login.user, "another one");
  await mosquitto.start();
  await page.getByText("No alarm can come here until you are connected again.").waitFor({ timeout: 40_000 });
  require((await page.title()).startsWith("NO CONNECTION"), "a page that is shut out says so, and its title");
  await axe(page, script, "shut out");
  await picture(page, "shut-out");
  const stop = page.getByRole("button", { name: "Stop the sound on this screen only" });
  await stop.click();
  await stop.waitFor({ state: "detached" });
  require(true, "it sounds until that is stopped on this page");
  await mosquitto.stop();
  mosquitto.setPassword(login.user, login.password);
  await mosquitto.start();
  await logIn();
  await page.getByText("Connected", { exact: true }).waitFor();
  require(!(await page.title()).includes("NO CONNECTION"), "a login that is taken ends it");
}

/** More than half of the boxes fall away at once. */
export async function checkAway(page, boxes, script) {
  const gone = boxes.slice(0, Math.ceil(0.6 * boxes.length));
  await Promise.all(gone.map((box) => box.status("offline", "lost")));
  await page.getByText("have fallen away").waitFor();
  const told = await page.locator(".banner.outage strong").textContent();
  // Those of the mixed night are silent by now, too.
  require(parseInt(told, 10) >= gone.length, "many boxes that fall away are told in one line", told);
  const stop = page.locator(".banner.outage").getByRole("button", { name: "Stop the sound on this screen only" });
  await picture(page, "fallen-away");
  await checkNarrow(page);
  await checkScrolled(page, script);
  await stop.click();
  await stop.waitFor({ state: "detached" });
  require(true, "it sounds until that is stopped on this page");
  await Promise.all(gone.map((box) => box.status()));
  await page.getByText("have fallen away").waitFor({ state: "detached" });
  require(true, "it goes when they are back");
}

/** On a phone the text of an outage has the width of its bar, and its button goes below. */
async function checkNarrow(page) {
  const before = page.viewportSize();
  for (const [width, height] of [
    [400, 800],
    [360, 740],
  ]) {
    await page.setViewportSize({ width, height });
    const bar = await page.locator(".banner.outage").boundingBox();
    const text = await page.locator(".banner.outage .what").boundingBox();
    const share = Math.round((100 * text.width) / bar.width);
    require(share >= 60 && bar.height < height / 3, `the text of an outage is wide at ${width} pixels`, `${share} %`);
    await picture(page, `fallen-away-${width}`);
  }
  await page.setViewportSize(before);
}

/** Where the list is scrolled, one short line tells what the banners say, and leads up to them. */
async function checkScrolled(page, script) {
  const before = page.viewportSize();
  const line = page.locator(".short");
  require((await line.count()) === 0, "no short line repeats banners that can be seen");
  for (const [width, height] of [
    [400, 800],
    [360, 740],
    [1280, 800],
  ]) {
    const size = `${width} pixels`;
    await page.setViewportSize({ width, height });
    await page.evaluate(() => scrollTo({ top: document.body.scrollHeight }));
    await line.waitFor();
    const told = await line.textContent();
    require(/^\d+ alarms?, .*\d+ boxes away ↑$/.test(told), `a line tells of the alarms at ${size}`, told);
    const head = await page.locator(".head").boundingBox();
    const { y, height: high } = await line.boundingBox();
    require(y >= 0 && y + high < height / 3, "at the top, with room for the list", `${y} to ${y + high}`);
    if (width > 1000) require(head.y === 0, "on a desk the head stays in sight, too", head.y);
    await axe(page, script, `a list that is scrolled, ${size}`);
    await picture(page, `scrolled-${width}`);
    await page.locator(".box").nth(60).focus();
    const gaps = [];
    for (let step = 0; step < 15; step += 1) {
      await page.keyboard.press("ArrowUp");
      const row = await page.locator(".box:focus").boundingBox();
      const above = await line.boundingBox();
      gaps.push(Math.round(row.y - above.y - above.height));
    }
    const least = Math.min(...gaps);
    require(least >= 0, "a row that has the focus is not left below it", `${least} pixels`);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Close the details" }).waitFor();
    await sleep(500);
    const beside = await page.locator(width > 1000 ? ".short" : ".elsewhere").boundingBox();
    const isSeen = beside !== null && beside.y >= 0 && beside.y + beside.height <= height;
    require(isSeen, "beside the details of a box alarms are told, too", beside?.y);
    await picture(page, `scrolled-details-${width}`);
    await page.keyboard.press("Escape");
    await line.waitFor();
    await line.click();
    await line.waitFor({ state: "detached" });
    require((await page.evaluate(() => scrollY)) === 0, "a press on it leads up");
  }
  await page.setViewportSize(before);
}

const CROP = `
import numpy as np
from edge.detect.hit import Hit
from edge.evidence import evidence_of

rows, columns = np.mgrid[:240, :320]
grey = np.clip(90 + 40 * np.sin(columns / 7) + 30 * np.sin(rows / 5), 0, 255)
grey += 140 * np.exp(-((columns - 160) ** 2 + (rows - 120) ** 2) / 5)
hit = Hit(160, 120, 1.0, 140.0, 12, live=True)
print(evidence_of(np.clip(grey, 0, 255).astype(np.uint8), hit, blurred=True).png.decode())
`;

/** Crops of hits stand in the details of their box, drawn pixel by pixel. */
export async function checkEvidence(page, box, python) {
  const made = spawnSync(python, ["-c", CROP], { cwd: ROOT, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  for (let count = 0; count < 3; count += 1) await box.evidence(made.stdout.trim());
  await box.evidence("bm8gcGljdHVyZQ==");
  await page.getByText("Hits in the picture").waitFor();
  await page.locator(".evidence canvas.broken").waitFor();
  require(true, "a crop that is no picture does no harm");
  const brightest = await page.evaluate(() => {
    const canvas = document.querySelector(".evidence canvas:not(.broken)");
    const { data } = canvas.getContext("2d").getImageData(0, 0, 48, 48);
    const at = data.reduce((best, value, index) => (index % 4 === 0 && value > data[best] ? index : best), 0) / 4;
    return [at % 48, Math.floor(at / 48)];
  });
  require(brightest.join() === "24,24", "the crop of a hit is drawn with the hit in its middle", brightest);
  await page.getByText("Hits in the picture").scrollIntoViewIfNeeded();
  await picture(page, "evidence");
}
