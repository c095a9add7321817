// A worker that counts time: browsers slow down the timers of a hidden page, but not those of its workers.

const timers = new Map();

self.onmessage = ({ data: { id, ms, stop } }) => {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (stop) return;
  timers.set(
    id,
    setTimeout(() => {
      timers.delete(id);
      self.postMessage(id);
    }, ms),
  );
};
