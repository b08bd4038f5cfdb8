// @openai/agents-realtime as a client: it runs the tool and keeps the history by itself.

import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import { z } from 'zod';
import { ASK, HELLO, LONG, NOBODY, OUTPUT, WEATHER, done, order, utterance } from './script.mjs';

const report = { text: '', calls: [], audio_bytes: 0 };
const getWeather = tool({
  name: WEATHER.name,
  description: WEATHER.description,
  parameters: z.object({ city: z.string() }),
  execute: (given) => {
    report.calls.push([WEATHER.name, given]);
    return OUTPUT;
  },
});
const agent = new RealtimeAgent({ name: 'Interop', instructions: 'Be brief.', tools: [getWeather] });
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime',
  config: { outputModalities: [order.aloud ? 'audio' : 'text'] },
});

session.on('audio', ({ data }) => (report.audio_bytes += data.byteLength));
session.on('audio_interrupted', () => (report.interrupted = true));
session.on('error', ({ error }) => (report.error = error?.error ?? { message: String(error) }));

const next = (type) =>
  new Promise((resolve) => {
    const look = (event) => {
      if (event.type !== type) return;
      session.transport.off('*', look);
      resolve(event);
    };
    session.transport.on('*', look);
  });

async function answered(text) {
  const ended = next('response.done');
  session.sendMessage(text);
  await ended;
}

function speak() {
  for (const { buffer, byteOffset, length } of utterance()) {
    session.sendAudio(buffer.slice(byteOffset, byteOffset + length));
  }
}

const steps = {
  text: () => answered(HELLO),
  async function() {
    await answered(ASK);
    await next('response.done');
  },
  async error() {
    const refused = next('error');
    session.transport.sendEvent({
      type: 'conversation.item.delete',
      item_id: NOBODY,
      event_id: 'evt_mine',
    });
    await refused;
  },
  async cancel() {
    const begun = next('response.output_text.delta');
    const ended = next('response.done');
    session.sendMessage(LONG);
    report.said = (await begun).delta;
    session.transport.sendEvent({ type: 'response.cancel' });
    report.cancelled = (await ended).response.status === 'cancelled';
    await answered(HELLO);
  },
  async vad() {
    const ended = next('response.done');
    speak();
    await ended;
  },
  async interruption() {
    const begun = next('response.output_audio.delta');
    speak();
    await begun;
    const interrupted = next('response.done');
    speak();
    await interrupted;
    await next('response.done');
  },
};

await session.connect({ apiKey: order.key, url: order.url });
await steps[order.step]();
await new Promise(setImmediate); // its history follows its events
const answer = session.history.filter((item) => item.role === 'assistant').at(-1)?.content[0];
report.text = answer?.text ?? answer?.transcript ?? '';
session.close();
done(report);
