// Which alarms were over before anybody acknowledged them, and are new to the guard. The rules are those of
// edge/control_room/watch/missed.py. No input or output.

/** Return what is remembered of a page that was opened at a time. Alarms that ended before are not counted. */
export function newMissed(opened) {
  return { opened, seen: new Set(), fresh: new Set(), count: 0 };
}

/** Return what an alarm is known by in the lists. */
export function nameOf({ key, id }) {
  return `${key}/${id}`;
}

/** Count the missed alarms. Those that are listed on the page count no more, and are fresh until the list is left. */
export function updateMissed(missed, alarms, isListed) {
  const isMissed = ({ acknowledgement, ended }) =>
    acknowledgement === null && ended !== null && ended >= missed.opened;
  const names = new Set(alarms.filter(isMissed).map(nameOf));
  const fresh = [...names].filter((name) => !missed.seen.has(name));
  if (!isListed) missed.fresh.clear();
  for (const name of fresh) {
    missed.fresh.add(name);
    if (isListed) missed.seen.add(name);
  }
  for (const name of missed.seen) if (!names.has(name)) missed.seen.delete(name);
  missed.count = isListed ? 0 : fresh.length;
}
