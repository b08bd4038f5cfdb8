// What every Node script here shares: its command line, what is said, and the speech.
//
//   node NAME.mjs VARIANT STEP URL KEY SPEECH
//
// As `script.py`, which says more. Each script is copied beside the packages it imports.

import { readFileSync } from 'node:fs';

const [variant, step, url, key, speech] = process.argv.slice(2);
export const order = { variant, step, url, key, aloud: ['vad', 'interruption'].includes(step) };

export const HELLO = 'hello';
export const ASK = 'get_weather in Paris, please';
export const OUTPUT = '21 degrees';
export const LONG = 'five paragraphs, please';
export const NOBODY = 'item_nobody';
export const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const CHUNK_BYTES = 4800; // 100 ms
const SILENCE_BYTES = 72000; // 1.5 s

/** The speech and the silence behind it, in pieces of 100 ms. */
export function utterance() {
  const sound = Buffer.concat([readFileSync(speech), Buffer.alloc(SILENCE_BYTES)]);
  const pieces = [];
  for (let at = 0; at < sound.length; at += CHUNK_BYTES) {
    pieces.push(sound.subarray(at, at + CHUNK_BYTES));
  }
  return pieces;
}

/** Print what the client showed its user; it is over. */
export function done(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

/** A promise and the function that keeps it. */
export function promise() {
  let keep;
  const kept = new Promise((resolve) => (keep = resolve));
  return [kept, keep];
}
