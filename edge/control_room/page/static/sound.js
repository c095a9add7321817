// The sound of an alarm. Browsers keep a page silent until somebody presses something in it; `isReady` says whether
// that has happened, so that the page can show that it cannot be heard.

import { every, stop } from "./timers.js";

const REPEAT_MS = { alarm: 2_000, away: 30_000 };
const TONES = { alarm: [880, 660, 880, 660], away: [330, 262] };
const TONE_S = 0.18;

let context = null;
let isWanted = true;
let playing = null;
let timer = null;
let tell = () => {};

/** Call a function when it changes whether the page can be heard. */
export function onSound(listener) {
  tell = listener;
}

/** Turn the sound on or off; only within the handler of a key or a press. */
export async function wantSound(wanted) {
  isWanted = wanted;
  if (!wanted) return tell();
  context ??= new AudioContext();
  context.onstatechange = () => tell();
  await context.resume();
  tell();
}

/** Return whether an alarm would be heard. */
export function isReady() {
  return isWanted && context?.state === "running";
}

/** Play a kind of sound again and again: "alarm", "away", or null for silence. */
export function play(kind) {
  if (kind === playing) return;
  playing = kind;
  stop(timer);
  timer = null;
  if (kind === null) return;
  sing();
  timer = every(sing, REPEAT_MS[kind]);
}

function sing() {
  if (isReady()) ring(TONES[playing]);
}

function ring(tones) {
  tones.forEach((frequency, index) => {
    const start = context.currentTime + index * (TONE_S + 0.04);
    const tone = new OscillatorNode(context, { type: "square", frequency });
    const loudness = new GainNode(context, { gain: 0 });
    loudness.gain.setValueAtTime(0, start);
    loudness.gain.linearRampToValueAtTime(0.25, start + 0.01);
    loudness.gain.setValueAtTime(0.25, start + TONE_S - 0.02);
    loudness.gain.linearRampToValueAtTime(0, start + TONE_S);
    tone.connect(loudness).connect(context.destination);
    tone.start(start);
    tone.stop(start + TONE_S);
  });
}
