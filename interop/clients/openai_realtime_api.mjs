// openai-realtime-api as a client, in the beta dialect. It runs the tool and keeps the
// conversation by itself.

import { RealtimeClient } from 'openai-realtime-api';
import { ASK, HELLO, LONG, NOBODY, OUTPUT, WEATHER, done, order, promise, utterance } from './script.mjs';

const report = { text: '', calls: [], audio_bytes: 0 };
const client = new RealtimeClient({
  url: order.url,
  apiKey: order.key,
  model: 'gpt-realtime',
  sessionConfig: {
    modalities: order.aloud ? ['text', 'audio'] : ['text'],
    turn_detection: order.aloud ? { type: 'server_vad' } : null,
  },
});
const { type: _, ...definition } = WEATHER;
client.addTool(definition, (given) => {
  report.calls.push([definition.name, JSON.stringify(given)]);
  return OUTPUT;
});

const next = (type) => client.realtime.waitForNext(`server.${type}`);
const say = (text) => client.sendUserMessageContent([{ type: 'input_text', text }]);
const answers = () => client.conversation.getItems().filter((item) => item.role === 'assistant');

async function answered(text) {
  const ended = next('response.done');
  say(text);
  await ended;
}

function speak() {
  for (const { buffer, byteOffset, length } of utterance()) {
    client.appendInputAudio(new Int16Array(buffer.slice(byteOffset, byteOffset + length)));
  }
}

client.on('conversation.updated', ({ delta }) => {
  report.audio_bytes += delta?.audio?.byteLength ?? 0;
});
client.on('conversation.interrupted', () => {
  if (report.audio_bytes) report.interrupted = true;
});

const steps = {
  text: () => answered(HELLO),
  async function() {
    await answered(ASK);
    await next('response.done');
  },
  async error() {
    const [refused, refuse] = promise();
    client.realtime.on('server.error', refuse);
    client.deleteItem(NOBODY);
    report.error = (await refused).error;
  },
  async cancel() {
    say(LONG);
    await next('response.text.delta');
    const ended = next('response.done');
    client.cancelResponse();
    report.cancelled = (await ended).response.status === 'cancelled';
    report.said = answers()[0].formatted.text;
    await answered(HELLO);
  },
  async vad() {
    const ended = next('response.done');
    speak();
    await ended;
  },
  async interruption() {
    speak();
    await next('response.audio.delta');
    const interrupted = next('response.done');
    speak();
    await interrupted;
    await next('response.done');
  },
};

await client.connect();
await client.waitForSessionCreated();
await steps[order.step]();
const { text, transcript } = answers().at(-1)?.formatted ?? {};
report.text = text || transcript || '';
client.disconnect();
done(report);
