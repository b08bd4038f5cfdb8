// openai-node as a client: `node openai_node.mjs ws|websocket BASE_URL KEY`.
//
// Text, a function call, speech and a refused command, on the client's emitter. One line of JSON
// says what was seen. The client always dials wss: NODE_EXTRA_CA_CERTS names whom it may trust.

import { OpenAI } from 'openai';
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { WebSocket } from 'ws';

const [kind, baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ apiKey, baseURL });
globalThis.WebSocket ??= WebSocket; // a browser's, which Node 20 has not
const rt =
  kind === 'ws'
    ? new OpenAIRealtimeWS({ model: 'gpt-realtime' }, client)
    : new OpenAIRealtimeWebSocket({ model: 'gpt-realtime', dangerouslyAllowBrowser: true }, client);

const report = { types: [], texts: [], audioBytes: 0, errors: [] };
rt.on('event', (event) => report.types.push(event.type));
rt.on('response.output_text.done', (event) => report.texts.push(event.text));
rt.on('response.output_audio.delta', (event) => {
  report.audioBytes += Buffer.from(event.delta, 'base64').length;
});
rt.on('response.function_call_arguments.done', (event) => {
  report.call = { id: event.call_id, arguments: event.arguments };
});
rt.on('error', ({ error }) => {
  report.errors.push(error ? [error.type, error.code, error.param, error.event_id] : ['local']);
});

const tool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const message = (text) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

const next = (type) => new Promise((resolve) => rt.once(type, resolve));

async function turn(item, response = {}) {
  const done = next('response.done');
  rt.send({ type: 'conversation.item.create', item });
  rt.send({ type: 'response.create', response });
  await done;
}

await next('session.created');
const updated = next('session.updated');
rt.send({
  type: 'session.update',
  session: { type: 'realtime', output_modalities: ['text'], tools: [tool] },
});
await updated;
await turn(message('hello'));
await turn(message('get_weather in Paris, please'));
await turn({ type: 'function_call_output', call_id: report.call.id, output: '21 degrees' });
await turn(message('hello'), { output_modalities: ['audio'] });
const refused = next('error');
rt.send({ type: 'conversation.item.delete', item_id: 'item_nobody', event_id: 'evt_mine' });
await refused;
console.log(JSON.stringify(report));
rt.close();
