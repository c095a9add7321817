// Commands to boxes and their answers. A command that nobody answers is told, never forgotten.

const ANSWER_MS = 10_000;
const NO_ALARM = "no alarm stands"; // what a box answers whose alarm is over
const AGAIN = "Try once more, then call the technician.";

/** Return the topic and the text of a command. */
export function commandOf({ site, device, verb, id, by, reason, values }, now) {
  const command = {
    schema_version: 1,
    transaction_id: id,
    utc: new Date(now).toISOString(),
    by,
    reason: reason || null,
    arguments: values,
  };
  return { topic: `gammabox/${site}/${device}/cmd/${verb}`, text: JSON.stringify(command) };
}

/**
 * Return the list of commands with a new one, the newest first. `asked` is what the guard has written, `before` who had
 * acknowledged the alarm, and `alarmId` the alarm.
 */
export function begun(commands, { id, key, asked = null, alarmId = null, before = null }, now) {
  const text = "Asking the box to acknowledge its alarm …";
  return [{ id, key, asked, alarmId, before, since: now, state: "waiting", text }, ...commands].slice(0, 20);
}

/** Return the list of commands after an answer, late or not. Answers to commands of others change nothing. */
export function answered(commands, key, message) {
  return commands.map((command) => {
    if (command.id !== message.transaction_id || command.key !== key || command.state === "done") return command;
    const late = command.isUnanswered ? "Late answer: " : "";
    const known = { ...command, isUnanswered: false };
    if (message.ok) return { ...known, state: "done", text: `${late}${confirmed(command)}` };
    if (message.error === NO_ALARM)
      return { ...known, state: "done", text: `${late}Not needed: the alarm is already over.` };
    const why = message.error ?? "it does not say why";
    return { ...known, state: "failed", text: `${late}Not acknowledged: the box refuses: ${why}. ${AGAIN}` };
  });
}

/** Return the list of commands at a time: those without an answer have failed. */
export function aged(commands, now) {
  if (!commands.some(({ state, since }) => state === "waiting" && now - since > ANSWER_MS)) return commands;
  return commands.map((command) =>
    command.state === "waiting" && now - command.since > ANSWER_MS
      ? {
          ...command,
          state: "failed",
          isUnanswered: true,
          text: `The box has not answered: its alarm is not acknowledged. ${AGAIN}`,
        }
      : command,
  );
}

/** Return the list of commands; one without an answer is settled where its alarm is acknowledged or over by now. */
export function settled(commands, views) {
  if (!commands.some(({ isUnanswered }) => isUnanswered)) return commands;
  const known = new Map(views.map((view) => [view.key, view]));
  return commands.map((command) => {
    const view = known.get(command.key);
    if (!command.isUnanswered || !view) return command;
    const done = { ...command, state: "done", isUnanswered: false };
    if (view.urgency !== "alarm" || (view.alarm?.id ?? null) !== command.alarmId)
      return { ...done, text: "Not needed any more: the alarm is over." };
    const given = view.acknowledgement;
    if (!given || (given.utc === command.before?.utc && given.by === command.before?.by)) return command;
    return { ...done, text: `The alarm is acknowledged by now, by ${given.by}.` };
  });
}

function confirmed({ asked }) {
  const silence = asked?.minutes ? ` It is silent for ${asked.minutes} min.` : "";
  return `Acknowledged. Everybody sees it.${silence}`;
}
