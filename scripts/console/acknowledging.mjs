// The checks of the form in which an alarm is acknowledged: with the keyboard alone, while somebody else does so, for a
// box that is away, and on a phone on which more alarms come.

import { checkEvidence } from "./attention.mjs";
import { axe, picture, require, sleep } from "./checking.mjs";

const focused = (page) => page.evaluate(() => document.activeElement.name || document.activeElement.textContent);

/** With the keyboard alone: from the banner to the form, and the answer of the box comes back. */
export async function checkAcknowledge(page, box, script, python) {
  await page.getByRole("button", { name: "Acknowledge…" }).first().focus();
  await page.keyboard.press("Enter");
  await sleep(50);
  require((await focused(page)) === "by", "Acknowledge… leads to the field of the name", await focused(page));
  await page.keyboard.press("Enter");
  require((await focused(page)) === "reason", "Enter in the name leads to the reason", await focused(page));
  await page.keyboard.press("Enter");
  await page.getByText("Write who you are.").waitFor();
  await page.getByText("Write what you do about it.").waitFor();
  require(box.commands === 0, "nothing is sent without a name and a reason", box.commands);
  await axe(page, script, "a form that is not filled in");
  await page.keyboard.type("J. Okafor");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Patrol 2 is on the way");
  box.isDeaf = true;
  await page.keyboard.press("Enter");
  await page.getByText("The box has not answered: its alarm is not acknowledged.").waitFor();
  const kept = await page.locator("[name=reason]").inputValue();
  require(kept === "Patrol 2 is on the way", "a missing answer is told, and what was written is kept", kept);
  await picture(page, "no-answer");
  box.isDeaf = false;
  await page.locator("[name=reason]").focus();
  await page.keyboard.press("Enter");
  await page.getByText("Acknowledged. Everybody sees it.").waitFor();
  await page.getByText(/^J\. Okafor acknowledged it/).waitFor();
  require((await page.locator(".news").count()) === 0, "nobody is told of the own acknowledgement as of another's");
  const banners = await page.locator(".banner.alarm:not(.overload)").count();
  require(banners === 0, "the banner goes when the alarm is acknowledged", banners);
  const mark = await page.locator(".box.alarm .word").first().textContent();
  require(mark === "✓ ALARM", "the list marks it as the terminal does", mark);
  for (let step = 0; step < 12; step += 1) await box.health(30 + 12 * Math.sin(step / 2));
  await sleep(400);
  await checkEvidence(page, box, python);
  await axe(page, script, "details");
  await picture(page, "details-light");
  await page.keyboard.press("Escape");
  const at = await page.evaluate(() => document.activeElement.dataset.key);
  require(at === `${box.site}/${box.device}`, "Escape closes the details and returns to the row", at);
  await page.keyboard.press("ArrowDown");
  const next = await page.evaluate(() => document.activeElement.dataset.key);
  require(next !== at && next.startsWith(box.site), "arrow keys move in the list", next);
}

/** Somebody else acknowledges while the form is open; a double click sends once; a box that is away has no form. */
export async function checkMeanwhile(page, box, script) {
  await box.alarm();
  await page.getByRole("button", { name: "Acknowledge…" }).first().click();
  await page.getByText("You are J. Okafor").waitFor();
  require((await focused(page)) === "reason", "the name that is kept is shown, and the reason asked", await focused(
    page,
  ));
  await page.getByRole("button", { name: "Not you?" }).click();
  require((await focused(page)) === "by", "Not you? asks for another", await focused(page));
  await page.keyboard.type("Ann");
  await page.keyboard.press("Enter");
  await page.keyboard.type("I look at the picture");
  const began = Date.now();
  await box.take("Bo, gate office", "patrol 2 is on the way");
  await page.getByText(/Bo, gate office has acknowledged it meanwhile/).waitFor();
  require(Date.now() - began <
    1000, "the form says at once who has acknowledged meanwhile", `${Date.now() - began} ms`);
  await page.keyboard.press("Enter");
  const at = await focused(page);
  require(at === "Acknowledge again", "Enter leads to the button that says what it does now", at);
  await page.keyboard.press("Enter");
  await page.getByText("Not sent.").waitFor();
  require(box.commands === 0, "and nothing is sent before that could be read", box.commands);
  for (const part of [page.locator(".news"), page.getByRole("button", { name: "Acknowledge again", exact: true })]) {
    const { y, height } = await part.boundingBox();
    require(y >= 0 &&
      y + height <= 800, "what has come stands on the screen, and the button", `${y} to ${y + height}`);
  }
  await axe(page, script, "acknowledged meanwhile");
  await picture(page, "meanwhile");
  await sleep(3000);
  await page.getByRole("button", { name: "Acknowledge again", exact: true }).dblclick();
  await page
    .getByText(/Before: Bo, gate office acknowledged it/)
    .first()
    .waitFor();
  await page.getByText(/^Ann acknowledged it/).waitFor();
  await sleep(300);
  require(box.commands === 1, "a double click sends once, and who was first stays readable", box.commands);
  await box.status("offline", "lost");
  await page.getByText("The box is away (LOST): it cannot take an acknowledgement").first().waitFor();
  require((await page.locator("form.acknowledge").count()) === 0, "an alarm of a box that is away has no form");
  await picture(page, "old-alarm");
  await box.status();
  await box.alarm("cleared", 38, { acknowledged: box.taken });
  await page.getByText(/The alarm is over since/).waitFor();
  require(true, "the end of an alarm is told where its form was");
  await box.clear();
  await page.keyboard.press("Escape");
}

/** On a phone, alarms that come leave a form in its place that somebody fills in. */
export async function checkPlace(page, [box, ...others]) {
  await page.locator(`.box[data-key="${box.site}/${box.device}"]`).tap();
  const reason = page.locator("[name=reason]");
  await reason.fill("Patrol");
  await reason.scrollIntoViewIfNeeded();
  const top = async () => Math.round((await reason.boundingBox()).y);
  const before = await top();
  const banners = await page.locator(".banner").count();
  await Promise.all(others.map((other) => other.alarm()));
  await page.waitForFunction((count) => document.querySelectorAll(".banner").length > count, banners);
  require(Math.abs((await top()) - before) <=
    2, "banners leave a form where it is", `${before}, then ${await top()}`);
  require((await reason.inputValue()) === "Patrol", "and what is written in it");
  await page.getByRole("button", { name: "2 other alarms" }).waitFor();
  require(true, "a button at the top of the screen tells of them");
  await picture(page, "phone-form");
  await box.take("Bo, gate office", "patrol 2 is on the way");
  await page.getByText(/Bo, gate office has acknowledged it meanwhile/).waitFor();
  const { y } = await page.locator(".news").boundingBox();
  require(y >= 0 && Math.abs((await top()) - before) <= 2, "who has acknowledged meanwhile stands above it", y);
  await picture(page, "phone-meanwhile");
  await Promise.all(others.map((other) => other.clear()));
  await page.waitForFunction((count) => document.querySelectorAll(".banner").length <= count, banners);
  require(Math.abs((await top()) - before) <= 2, "and when they go", `${before}, then ${await top()}`);
  await page.getByRole("button", { name: "Close the details" }).tap();
}
