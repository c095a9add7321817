// What the form to acknowledge an alarm knows: which acknowledgement the guard has read, which one came meanwhile, and
// what was sent. No input or output.

/** So long somebody else's acknowledgement stands in the form before it can be replaced. */
const READ_MS = 3_000;
const TWICE_MS = 2_000;

/** Return what a form knows that is opened while an acknowledgement, or null, is known. */
export function opened(given) {
  return { read: given, news: null, newsAt: null, sent: null, sentAt: null };
}

/** Return what a form knows at a time when a box says who has acknowledged its alarm. */
export function followed(form, given, now) {
  if (isSame(given, form.news ?? form.read)) return form;
  const isOwn = form.sent !== null && given?.by === form.sent.by && (given.reason ?? "") === form.sent.reason;
  if (!given || isOwn) return { ...form, read: given, news: null, newsAt: null };
  return { ...form, news: given, newsAt: now };
}

/** Return whether somebody else's acknowledgement has stood in the form for too short a time to have been read. */
export function isUnread(form, now) {
  return form.news !== null && now - form.newsAt < READ_MS;
}

/** Return whether a second press comes too soon after the one that has sent. */
export function isTwice(form, now) {
  return form.sentAt !== null && now - form.sentAt < TWICE_MS;
}

/** Return what a form knows after it has sent. */
export function sent(form, { by, reason }, now) {
  return { read: form.news ?? form.read, news: null, newsAt: null, sent: { by, reason }, sentAt: now };
}

/** Return what a form knows after the box has confirmed what was sent. Its own acknowledgement may come after that. */
export function confirmed(form) {
  return { ...form, isConfirmed: true };
}

/** Return whether a form waits for the box to confirm what it has sent. */
export function isOut(form) {
  return form.sent !== null && !form.isConfirmed;
}

/** Return what is wrong with the fields, a sentence each; an empty text where nothing is. */
export function problemsOf({ by, reason }) {
  return { by: by ? "" : "Write who you are.", reason: reason ? "" : "Write what you do about it." };
}

function isSame(one, other) {
  return one === other || (one !== null && other !== null && one.by === other.by && one.utc === other.utc);
}
