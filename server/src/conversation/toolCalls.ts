/**
 * Tool calls in what a model has said, in the syntaxes that templates teach. Pure: nothing is called here, and nobody checks here whether
 * there is such a tool. What an answer says is the model's own claim, with everything that it has read behind it: whoever runs a call asks.
 */
import type { JsonValue, ToolCall, ToolDefinition } from './messages';

/**
 * hermes: `<tool_call>{"name": …, "arguments": {…}}</tool_call>` (Qwen2.5, Qwen3, Hermes). xml: `<tool_call><function=…><parameter=…>`
 * (Qwen3-Coder, Qwen3.5). llama: the whole answer is `{"name": …, "parameters": {…}}` (Llama 3.1).
 */
export type ToolSyntax = 'hermes' | 'xml' | 'llama';

/** A call that cannot be understood. */
export interface ToolCallProblem {
  /** As it was written, at most 200 characters. */
  readonly written: string;
  /** What is wrong, a sentence for the model. */
  readonly problem: string;
}

export interface SaidCalls {
  /** What was said besides, without the calls. */
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly problems: readonly ToolCallProblem[];
}

const open = '<tool_call>';
const close = '</tool_call>';
const shownCharacters = 200;

/** Which syntax a template teaches, from a prompt that it made with tools; undefined = none of these. */
export function toolSyntaxOf(promptWithTools: string): ToolSyntax | undefined {
  if (promptWithTools.includes('<function=')) {
    return 'xml';
  }
  if (promptWithTools.includes(open)) {
    return 'hermes';
  }
  return /"name":\s*function name,\s*"parameters"/.test(promptWithTools) ? 'llama' : undefined;
}

/**
 * The calls in an answer (without its thought). `tools` tell what XML-like parameters are: texts there, unless the schema says otherwise. An
 * answer that ends within a call, because it was cut, has a problem and no call.
 */
export function parseToolCalls(
  answer: string,
  syntax: ToolSyntax,
  tools: readonly ToolDefinition[] = [],
): SaidCalls {
  if (syntax === 'llama') {
    return llamaCalls(answer);
  }
  const calls: ToolCall[] = [];
  const problems: ToolCallProblem[] = [];
  let text = '';
  let rest = answer;
  for (let at = rest.indexOf(open); at >= 0; at = rest.indexOf(open)) {
    text += rest.slice(0, at);
    const body = rest.slice(at + open.length);
    const end = endOfCall(body, syntax);
    const written = end < 0 ? body : body.slice(0, end);
    const call =
      end < 0
        ? `The call is not finished: ${close} is missing.`
        : syntax === 'xml' && /^\s*<function=/.test(written)
          ? xmlCall(written, tools)
          : jsonCall(written, 'arguments');
    if (typeof call === 'string') {
      problems.push({ written: written.trim().slice(0, shownCharacters), problem: call });
    } else {
      calls.push(call);
    }
    rest = end < 0 ? '' : body.slice(end + close.length);
  }
  return { text: (text + rest).trim(), calls, problems };
}

/** Where the tag that closes a call stands: not one within a text of its JSON. */
function endOfCall(body: string, syntax: ToolSyntax): number {
  if (syntax === 'xml') {
    // Parameters end with a tag on a line of its own, so what closes the call stands behind the function's end.
    const end = /<\/function>\s*<\/tool_call>/.exec(body);
    return end === null ? body.indexOf(close) : end.index + end[0].length - close.length;
  }
  let inText = false;
  for (let i = 0; i < body.length; i += 1) {
    if (inText && body[i] === '\\') {
      i += 1;
    } else if (body[i] === '"') {
      inText = !inText;
    } else if (!inText && body.startsWith(close, i)) {
      return i;
    }
  }
  // With a quote that does not end there is no telling: the first one counts, and the JSON says what is wrong.
  return body.indexOf(close);
}

function isObject(value: unknown): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonCall(written: string, argumentsKey: 'arguments' | 'parameters'): ToolCall | string {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (error) {
    return `The call is no JSON: ${(error as Error).message}.`;
  }
  if (!isObject(value)) {
    return 'The call is no JSON object.';
  }
  const { name } = value;
  if (typeof name !== 'string' || name === '') {
    return 'The call has no "name".';
  }
  // Some models write the other word.
  const given = value[argumentsKey] ?? value['arguments'] ?? value['parameters'] ?? {};
  // And some a text that holds the JSON.
  const parsed = typeof given === 'string' ? parsedText(given) : given;
  return isObject(parsed)
    ? { name, arguments: parsed }
    : `The "${argumentsKey}" of "${name}" are no JSON object.`;
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function xmlCall(written: string, tools: readonly ToolDefinition[]): ToolCall | string {
  const head = /^\s*<function=([^>\n]+)>/.exec(written);
  const name = head?.[1]?.trim() ?? '';
  if (head === null || name === '') {
    return 'The call has no <function=name>.';
  }
  const end = written.lastIndexOf('</function>');
  if (end < 0) {
    return `The call of "${name}" is not finished: </function> is missing.`;
  }
  const body = written.slice(head[0].length, end);
  const schema = schemasOf(name, tools);
  const found: [string, JsonValue][] = [];
  // A value may hold anything, its own closing tag too: it ends before the next parameter, or at the end.
  const starts = [...body.matchAll(/(?:^|\n)[ \t]*<parameter=([^>\n]+)>/g)];
  if (starts.length === 0 && body.trim() !== '') {
    return `The call of "${name}" has something else than parameters.`;
  }
  for (const [i, start] of starts.entries()) {
    const key = start[1]?.trim() ?? '';
    const part = body.slice(start.index + start[0].length, starts[i + 1]?.index);
    const last = part.lastIndexOf('</parameter>');
    if (last < 0) {
      return `The parameter "${key}" of "${name}" is not finished: </parameter> is missing.`;
    }
    // One line break on each side belongs to the tags.
    const value = part
      .slice(0, last)
      .replace(/^\r?\n/, '')
      .replace(/\r?\n[ \t]*$/, '');
    found.push([key, typedValue(value, schema?.[key])]);
  }
  return { name, arguments: Object.fromEntries(found) };
}

function schemasOf(
  name: string,
  tools: readonly ToolDefinition[],
): Readonly<Record<string, JsonValue | undefined>> | undefined {
  const parameters = tools.find((tool) => tool.name === name)?.parameters;
  const properties = isObject(parameters) ? parameters['properties'] : undefined;
  return isObject(properties) ? properties : undefined;
}

/** A text stays one where the schema says so, or says nothing; what reads as JSON of another type is that elsewhere. */
function typedValue(text: string, schema: JsonValue | undefined): JsonValue {
  const type = isObject(schema) ? schema['type'] : undefined;
  const types = Array.isArray(type) ? type : [type];
  if (type === undefined || types.includes('string')) {
    return text === 'null' && types.includes('null') ? null : text;
  }
  // Templates write True and None where Python's texts are.
  const written = { True: 'true', False: 'false', None: 'null' }[text.trim()] ?? text;
  return parsedText(written) as JsonValue;
}

/** The whole answer is the call, perhaps behind `<|python_tag|>`; several are separated by ';' or lines. */
function llamaCalls(answer: string): SaidCalls {
  const said = answer.trim();
  const body = said.replace(/^<\|python_tag\|>\s*/, '');
  if (!/^\{\s*"(?:name|type|parameters|function)"/.test(body)) {
    return { text: said, calls: [], problems: [] };
  }
  const calls: ToolCall[] = [];
  const problems: ToolCallProblem[] = [];
  for (const written of objectsIn(body)) {
    const call = jsonCall(written, 'parameters');
    if (typeof call === 'string') {
      problems.push({ written: written.slice(0, shownCharacters), problem: call });
    } else {
      calls.push(call);
    }
  }
  return { text: '', calls, problems };
}

/** JSON objects one behind another. What is cut comes as it is. */
function objectsIn(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let inText = false;
  let from = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (inText) {
      i += c === '\\' ? 1 : 0;
      inText = c !== '"';
    } else if (c === '"') {
      inText = true;
    } else if (c === '{') {
      from = depth === 0 ? i : from;
      depth += 1;
    } else if (c === '}' && depth > 0) {
      depth -= 1;
      if (depth === 0) {
        out.push(text.slice(from, i + 1));
        from = i + 1;
      }
    }
  }
  const rest = text.slice(from).trim();
  return depth > 0 ? [...out, rest] : out;
}
