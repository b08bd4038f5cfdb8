// openai-node as its documentation writes it: `node peer_openai_node.mjs receive|send --url ...`.
//
// The same two turns as the Python peers, the same line of JSON at the end. The packages are found
// in --modules, outside the repository. The client always dials wss; against the plain server it is
// given a socket of its own making, which is what its `options` are for.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { parseArgs } from 'node:util';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    modules: { type: 'string' },
    url: { type: 'string' },
    authority: { type: 'string', default: '' },
    events: { type: 'string' },
    warmup: { type: 'string' },
    interval: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '0' },
  },
});
const events = Number(given.events);
const warmup = Number(given.warmup);
const interval = Number(given.interval) * 1000; // milliseconds
const leastMicroseconds = Number(given.seconds) * 1e6; // of CPU that a sample of receiving takes
const CHUNK_BYTES = 960;

const require = createRequire(given.modules + '/');
const { OpenAI } = require('openai');
const { OpenAIRealtimeWS } = require('openai/realtime/ws');

function connect() {
  const base = new URL(given.url);
  const options = given.authority
    ? { ca: readFileSync(given.authority) }
    : { createConnection: () => net.connect({ host: base.hostname, port: Number(base.port) }) };
  const client = new OpenAI({ apiKey: 'x', baseURL: given.url.replace(/^wss?/, 'https') });
  const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime', options }, client);
  rt.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  return rt;
}

function clock() {
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  const used = () => {
    const { user, system } = process.cpuUsage(cpu);
    return user + system;
  };
  const stop = (counted) => {
    const microseconds = used();
    const seconds = Number(process.hrtime.bigint() - wall) / 1e9;
    console.log(JSON.stringify({ events: counted, cpu: microseconds / 1e6, wall: seconds }));
  };
  return { used, stop };
}

function receive(rt) {
  let count = 0;
  let sample = null;
  rt.on('event', (event) => {
    count += 1;
    if (event.type === 'session.created') {
      rt.send({ type: 'response.create' });
    } else if (event.type === 'response.done') {
      if (sample && sample.used() >= leastMicroseconds) {
        sample.stop(count);
        rt.close();
        return;
      }
      if (!sample) {
        count = 0;
        sample = clock();
      }
      rt.send({ type: 'response.create' });
    }
  });
}

async function send(rt) {
  const chunks = Array.from({ length: 64 }, (_, seed) => Buffer.alloc(CHUNK_BYTES, `chunk ${seed}`));
  const once = (type) => new Promise((resolve) => rt.on(type, resolve));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const turn = async (count, every) => {
    const committed = once('input_audio_buffer.committed');
    const start = performance.now();
    for (let number = 0; number < count; number += 1) {
      rt.send({ type: 'input_audio_buffer.append', audio: chunks[number % 64].toString('base64') });
      if (every) await pause(Math.max(0, start + (number + 1) * every - performance.now()));
    }
    rt.send({ type: 'input_audio_buffer.commit' });
    await committed;
  };
  await once('session.created');
  await turn(warmup, 0);
  const sample = clock();
  await turn(events, interval);
  sample.stop(events);
  rt.close();
}

const rt = connect();
await (positionals[0] === 'send' ? send(rt) : receive(rt));
