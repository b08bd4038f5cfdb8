// @openai/agents-realtime as a client: `node openai_agents_js.mjs URL KEY`.
//
// A session with one tool, which the agent runs by itself. One line of JSON says what was seen.

import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import { z } from 'zod';

const [url, apiKey] = process.argv.slice(2);
const report = { types: [], asked: [], errors: [] };

const getWeather = tool({
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => {
    report.asked.push(city);
    return '21 degrees';
  },
});
const agent = new RealtimeAgent({ name: 'Interop', instructions: 'Be brief.', tools: [getWeather] });
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime',
  config: { outputModalities: ['text'] },
});

let turns = 0;
let finish;
const finished = new Promise((resolve) => (finish = resolve));
session.on('error', (error) => report.errors.push(JSON.stringify(error)));
session.transport.on('*', (event) => {
  report.types.push(event.type);
  if (event.type !== 'response.done') return;
  turns += 1;
  if (turns === 1) session.sendMessage('get_weather in Paris, please');
  if (turns === 3) finish(); // hello, the call, the answer
});
await session.connect({ apiKey, url });
session.sendMessage('hello');
await finished;
report.said = session.history
  .filter((item) => item.role === 'assistant')
  .map((item) => item.content[0].text);
console.log(JSON.stringify(report));
session.close();
