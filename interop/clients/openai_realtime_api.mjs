// openai-realtime-api as a client, in the beta dialect: `node openai_realtime_api.mjs URL KEY`.
//
// A conversation with one tool, which the client runs by itself. One line of JSON says what was
// seen.

import { RealtimeClient } from 'openai-realtime-api';

const [url, apiKey] = process.argv.slice(2);
const report = { types: [], asked: [], errors: [] };
const client = new RealtimeClient({
  url,
  apiKey,
  model: 'gpt-realtime',
  sessionConfig: { modalities: ['text'], turn_detection: null },
});
const say = (text) => client.sendUserMessageContent([{ type: 'input_text', text }]);

const getWeather = {
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
client.addTool(getWeather, ({ city }) => {
  report.asked.push(city);
  return '21 degrees';
});

let turns = 0;
let finish;
const finished = new Promise((resolve) => (finish = resolve));
client.on('realtime.event', ({ event, source }) => {
  if (source !== 'server') return;
  report.types.push(event.type);
  if (event.type === 'error') report.errors.push(event.error.message);
  if (event.type !== 'response.done') return;
  turns += 1;
  if (turns === 1) say('get_weather in Paris, please');
  if (turns === 3) finish(); // hello, the call, the answer
});
await client.connect();
await client.waitForSessionCreated();
say('hello');
await finished;
report.said = client.conversation
  .getItems()
  .filter((item) => item.role === 'assistant')
  .map((item) => item.formatted.text);
console.log(JSON.stringify(report));
client.disconnect();
