// Commands to boxes and their answers. A command that nobody answers is told, never forgotten.

const ANSWER_MS = 15_000;

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
 * Return the list of commands with a new one, the newest first. `before` is who had acknowledged the alarm, and
 * `alarmId` the alarm.
 */
export function begun(commands, { id, key, verb, alarmId = null, before = null }, now) {
  return [
    { id, key, verb, alarmId, before, since: now, state: "waiting", text: "waiting for the answer of the box" },
    ...commands,
  ].slice(0, 20);
}

/** Return the list of commands after an answer, late or not. Answers to commands of others change nothing. */
export function answered(commands, key, message) {
  return commands.map((command) => {
    if (command.id !== message.transaction_id || command.key !== key || command.state === "done") return command;
    const late = command.isUnanswered ? "late answer: " : "";
    const known = { ...command, isUnanswered: false };
    return message.ok
      ? { ...known, state: "done", text: `${late}the box has confirmed` }
      : { ...known, state: "failed", text: `${late}the box refuses: ${message.error ?? "it does not say why"}` };
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
          text: "no answer from the box; tell others by another way",
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
      return { ...done, text: "not needed any more: the alarm is over" };
    const given = view.acknowledgement;
    if (!given || (given.utc === command.before?.utc && given.by === command.before?.by)) return command;
    return { ...done, text: `the alarm is acknowledged by now, by ${given.by}` };
  });
}
