// Texts for people: what comes from messages is cleaned here, and numbers and times are written here.

const MAX_TEXT = 500;
// Control signs, signs that turn the direction of text, unpaired surrogates, unknown signs, odd blanks and separators.
const UNWANTED = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const PLAIN = /^[ -~]*$/; // what nearly all texts are
const SHORT_CODES = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Return a text from elsewhere as one bounded line, in which control signs stand as their codes. */
export function clean(text, limit = MAX_TEXT) {
  if (text.length <= limit && PLAIN.test(text)) return text;
  const signs = Array.from(text.slice(0, 2 * limit).replace(UNWANTED, code));
  return signs.length <= limit ? signs.join("") : `${signs.slice(0, limit - 1).join("")}…`;
}

function code(sign) {
  const point = sign.codePointAt(0);
  const hex = (letter, digits) => `\\${letter}${point.toString(16).padStart(digits, "0")}`;
  return SHORT_CODES[sign] ?? (point < 0x100 ? hex("x", 2) : point < 0x10000 ? hex("u", 4) : hex("U", 8));
}

const FORMATS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
  (digits) => new Intl.NumberFormat("en-GB", { maximumSignificantDigits: Math.max(1, digits) }),
);

/** Return a number with three significant digits; a dash where it is unknown. */
export function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  return FORMATS[digits].format(value);
}

/** Return a rate in hits per live second; `isLeast` where there were more than could be counted. */
export function rate(value, isLeast = false) {
  return value === null || value === undefined ? "rate unknown" : `${isLeast ? "> " : ""}${number(value)} hits/s`;
}

/** Return a share as a percentage. */
export function percent(value) {
  return value === null ? "–" : `${Math.round(100 * value)} %`;
}

/** Return a noun with its number. */
export function counted(count, noun, plural = `${noun}s`) {
  return `${FORMATS[9].format(count)} ${count === 1 ? noun : plural}`;
}

/** Return a span of time in words, as exact as people need it. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

const LOCAL = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const SHORT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Return a moment with its date, in local time and in UTC. */
export function moment(ms) {
  return `${LOCAL.format(ms)} (${new Date(ms).toISOString().slice(11, 19)} UTC)`;
}

/** Return a moment in local time without its date. */
export function clockTime(ms) {
  return SHORT.format(ms);
}
