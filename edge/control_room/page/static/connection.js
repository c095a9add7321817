// The connection to the broker: MQTT over websockets. It is tried again and again, and says in words what it is doing.

import { evidenceFilter, filters } from "./messages.js";
import { clean } from "./text.js";
import { after, every, stop } from "./timers.js";
import mqtt from "./vendor/mqtt.esm.js";

const KEEPALIVE_S = 10; // a broker that is gone without a word is noticed after half as much again
const CONNECT_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const PROVEN_MS = 30_000;
const TIMERS = { set: every, clear: stop };
const REFUSALS = new Set([4, 5, 134, 135]);

/**
 * Return a connection that is begun. `onState` gets {state, text, since} with the state connecting, online, lost, or
 * refused; after refused it ends. `onMessage` gets topic, payload and whether the message is retained.
 */
export function connect({ url, site, username, password, onState, onMessage }) {
  let client = null;
  let timer = null;
  let pause = FIRST_RETRY_MS;
  let version = 5;
  let hasEnded = false;
  let wasOnline = false;

  function say(state, text) {
    onState({ state, text, since: Date.now() });
  }

  function end(state, text) {
    hasEnded = true;
    stop(timer);
    client?.end(true);
    if (state) say(state, text);
  }

  function open() {
    let began = 0;
    let reason = "";
    let isAnswered = false;
    client = mqtt.connect(url, {
      username: username || undefined,
      password: password || undefined,
      protocolVersion: version,
      clientId: `gammabox-page-${randomId()}`,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      timerVariant: TIMERS,
      clean: true,
    });
    const own = client;
    own.on("connect", () => {
      isAnswered = true;
      began = Date.now();
      own.subscribe(filters(site), { qos: 1 }, (error, granted) => {
        const isRefused = error?.code >= 128 || granted?.some(({ qos }) => qos >= 128);
        if (isRefused) {
          end("refused", `The broker gives no right to read ${site ? `the site ${site}` : "all sites"}.`);
        } else if (!error && own === client) {
          wasOnline = true;
          say("online", "connected");
        }
      });
    });
    own.on("connect", () => own.subscribe(evidenceFilter(site), { qos: 1 }, () => {}));
    own.on("message", (topic, payload, packet) => onMessage(topic, payload, packet.retain));
    own.on("error", (error) => {
      reason = clean(error.message || "", 120);
      if (REFUSALS.has(error.code)) end("refused", "The broker refuses the login. Check user and password.");
    });
    own.on("close", () => {
      if (own !== client || hasEnded) return;
      own.end(true);
      // Some brokers speak only the older MQTT on websockets, and hang up on the newer without a word.
      if (!isAnswered && !wasOnline) version = version === 5 ? 4 : 5;
      pause = began && Date.now() - began > PROVEN_MS ? FIRST_RETRY_MS : pause;
      say(
        wasOnline ? "lost" : "connecting",
        wasOnline ? "The connection is lost" : `No answer from the broker${reason && `: ${reason}`}`,
      );
      client = null;
      timer = after(open, pause * (0.75 + Math.random() / 2));
      pause = Math.min(2 * pause, LONGEST_RETRY_MS);
    });
  }

  say("connecting", "Connecting");
  open();
  return {
    publish(topic, text) {
      client?.publish(topic, text, { qos: 1 });
    },
    /** Close a connection that the browser says is dead, and try at once. */
    retry() {
      if (hasEnded) return;
      pause = FIRST_RETRY_MS;
      if (client) client.stream?.destroy?.();
      else {
        stop(timer);
        open();
      }
    },
    close: () => end(),
  };
}

/** Return an id that nobody else has. `crypto.randomUUID` is missing in pages without TLS. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
