// openai-node as a client; variants `ws` and `websocket`, its two classes.
//
// The client always dials wss: NODE_EXTRA_CA_CERTS names whom it may trust.

import { OpenAI } from 'openai';
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { WebSocket } from 'ws';
import { ASK, HELLO, LONG, NOBODY, OUTPUT, WEATHER, done, order, utterance } from './script.mjs';

const client = new OpenAI({ apiKey: order.key, baseURL: order.url });
globalThis.WebSocket ??= WebSocket; // a browser's, which Node 20 has not
const rt =
  order.variant === 'ws'
    ? new OpenAIRealtimeWS({ model: 'gpt-realtime' }, client)
    : new OpenAIRealtimeWebSocket({ model: 'gpt-realtime', dangerouslyAllowBrowser: true }, client);

const report = { text: '', calls: [], audio_bytes: 0 };
let said = '';
let callId;
rt.on('response.output_text.delta', ({ delta }) => (said += delta));
rt.on('response.output_text.done', ({ text }) => (report.text = text));
rt.on('response.output_audio_transcript.done', ({ transcript }) => (report.text = transcript));
rt.on('response.output_audio.delta', ({ delta }) => {
  report.audio_bytes += Buffer.from(delta, 'base64').length;
});
rt.on('response.function_call_arguments.done', (event) => {
  callId = event.call_id;
  report.calls.push([event.name, event.arguments]);
});
rt.on('input_audio_buffer.speech_started', () => {
  if (report.audio_bytes) report.interrupted = true;
});
rt.on('error', ({ error, message }) => (report.error = error ?? { message }));

const next = (type) => new Promise((resolve) => rt.once(type, resolve));
const message = (text) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const say = (item) => rt.send({ type: 'conversation.item.create', item });

async function turn(item) {
  const ended = next('response.done');
  say(item);
  rt.send({ type: 'response.create' });
  return (await ended).response;
}

function speak() {
  for (const piece of utterance()) {
    rt.send({ type: 'input_audio_buffer.append', audio: piece.toString('base64') });
  }
}

const steps = {
  text: () => turn(message(HELLO)),
  async function() {
    await turn(message(ASK));
    await turn({ type: 'function_call_output', call_id: callId, output: OUTPUT });
  },
  async error() {
    const refused = next('error');
    rt.send({ type: 'conversation.item.delete', item_id: NOBODY, event_id: 'evt_mine' });
    await refused;
  },
  async cancel() {
    const begun = next('response.output_text.delta');
    const ended = next('response.done');
    say(message(LONG));
    rt.send({ type: 'response.create' });
    await begun;
    rt.send({ type: 'response.cancel' });
    report.cancelled = (await ended).response.status === 'cancelled';
    report.said = said;
    await turn(message(HELLO));
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

await next('session.created');
const updated = next('session.updated');
rt.send({
  type: 'session.update',
  session: {
    type: 'realtime',
    output_modalities: [order.aloud ? 'audio' : 'text'],
    tools: [WEATHER],
    audio: { input: { turn_detection: order.aloud ? { type: 'server_vad' } : null } },
  },
});
await updated;
await steps[order.step]();
rt.close();
done(report);
