// Timers that keep their time in a page that nobody looks at; see ticker.js.

const worker = new Worker(new URL("ticker.js", import.meta.url));
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data: id }) => {
  const entry = waiting.get(id);
  if (!entry) return;
  if (entry.every) worker.postMessage({ id, ms: entry.every });
  else waiting.delete(id);
  entry.run();
};

function start(run, ms, every) {
  const id = ++last;
  waiting.set(id, { run, every });
  worker.postMessage({ id, ms });
  return id;
}

/** Run a function once after a time. */
export const after = (run, ms) => start(run, ms, 0);

/** Run a function again and again. */
export const every = (run, ms) => start(run, ms, ms);

/** Stop a timer. */
export function stop(id) {
  if (waiting.delete(id)) worker.postMessage({ id, stop: true });
}
