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

/** Return the list of commands with a new one, the newest first. */
export function begun(commands, { id, key, verb }, now) {
  return [
    { id, key, verb, since: now, state: "waiting", text: "waiting for the answer of the box" },
    ...commands,
  ].slice(0, 20);
}

/** Return the list of commands after an answer. Answers to commands of others change nothing. */
export function answered(commands, key, message) {
  return commands.map((command) => {
    if (command.id !== message.transaction_id || command.key !== key || command.state === "done") return command;
    return message.ok
      ? { ...command, state: "done", text: "the box has confirmed" }
      : { ...command, state: "failed", text: `the box refuses: ${message.error ?? "it does not say why"}` };
  });
}

/** Return the list of commands at a time: those without an answer have failed. */
export function aged(commands, now) {
  if (!commands.some(({ state, since }) => state === "waiting" && now - since > ANSWER_MS)) return commands;
  return commands.map((command) =>
    command.state === "waiting" && now - command.since > ANSWER_MS
      ? { ...command, state: "failed", text: "no answer from the box; tell others by another way" }
      : command,
  );
}
