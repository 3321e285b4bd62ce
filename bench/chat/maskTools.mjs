/** Tool calls to be made under masks, and who judges them: a JSON parser and ajv, by the schemas as they were written. */
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { masks, toolSchemas } from './product.mjs';

const starts = [
  'function main() {\n  return ',
  '# Notes\n\nThe user wants the weather in ',
  'const call = ',
  'import json\n\ndef handle(request):\n    ',
  '{"role": "assistant", "content": "',
  'こんにちは、ファイルを読んでください。\n',
  'SELECT * FROM events WHERE ',
];

/** How the tokens of a call relate to the fewest that are enough for it. */
const budgets = [
  { name: 'the fewest that are enough', of: (least) => least },
  { name: 'three more', of: (least) => least + 3 },
  { name: 'half as many again', of: (least) => Math.ceil(1.5 * least) },
  { name: 'forty more', of: (least) => least + 40 },
  { name: 'ample', of: (least) => least + 300 },
];

/** Call number i: other tools, prompt, seed and budget each time. Every fourth may choose among five tools, behind a text. */
export function trial(i) {
  const { toolCallGrammar } = masks();
  const all = Object.entries(toolSchemas());
  const chosen = Array.from({ length: i % 4 === 3 ? 5 : 1 }, (_, k) => all[(i + 5 * k) % all.length]);
  const tools = chosen.map(([name, parameters]) => ({ name, parameters }));
  const bounds = { stringLength: 60, items: 5, digits: 9, keyLength: 12 };
  const whitespace = ['spaced', 'free', 'compact'][i % 3];
  return {
    tools,
    budget: budgets[i % budgets.length],
    prompt: `${starts[i % starts.length]}${i}: `,
    sampling: {
      temperature: [0.5, 0.8, 1.2, 2][i % 4],
      topP: i % 2 === 0 ? 0.85 : 1,
      topK: i % 3 === 0 ? 20 : 0,
      seed: i + 1,
    },
    lookup: i % 5 === 4 ? {} : undefined,
    grammar: toolCallGrammar(tools, {
      calls: tools.length > 1 ? 'must' : 'only',
      bounds: { ...bounds, whitespace },
    }),
  };
}

const judges = new Map();
function judge(name) {
  if (!judges.has(name)) {
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    judges.set(name, ajv.compile(toolSchemas()[name]));
  }
  return judges.get(name);
}

/** What is wrong with an answer; undefined when it ends with one whole, valid call of one of the tools. */
export function whatIsWrong({ tools }, { text, reason }, maxTokens, tokens) {
  if (tokens.length > maxTokens || !['end_of_text', 'stop_token', 'max_tokens'].includes(reason)) {
    return `it ended with ${reason} after ${tokens.length} of ${maxTokens} tokens`;
  }
  const calls = [...text.matchAll(/<tool_call>\n([^]*?)\n<\/tool_call>/g)];
  const rest = text.replaceAll(/<tool_call>\n([^]*?)\n<\/tool_call>/g, '');
  if (calls.length === 0 || rest.includes('<tool_call>\n') || (tools.length === 1 && rest !== '')) {
    return 'there is no whole call, or more than it';
  }
  for (const [, body] of calls) {
    let call;
    try {
      call = JSON.parse(body);
    } catch (error) {
      return `${error.message}: ${body}`;
    }
    if (Object.keys(call).join() !== 'name,arguments' || !tools.some(({ name }) => name === call.name)) {
      return `no such call: ${body}`;
    }
    const validate = judge(call.name);
    if (!validate(call.arguments)) {
      return `${JSON.stringify(validate.errors?.[0])}: ${body}`;
    }
  }
  return undefined;
}
