/** Texts that want to be more than text, all the places where others' texts come into a prompt, and what a text has changed there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatFormat, PromptMessage, RenderOptions, ToolDefinition } from '../../server/src/conversation';
import type { EnginePort, ModelHandle, SpecialToken, TokenId } from '../../server/src/engine';

export interface HostileText {
  readonly mechanism: string;
  readonly text: string;
}

export function hostileTexts(): readonly HostileText[] {
  const path = join(__dirname, '..', 'fixtures', 'hostile-prompts.json');
  const entries = JSON.parse(readFileSync(path, 'utf8')) as readonly (HostileText & {
    readonly repeat?: { readonly before: string; readonly times: number };
  })[];
  return entries.map(({ mechanism, text, repeat }) => ({
    mechanism,
    text: repeat === undefined ? text : repeat.before.repeat(repeat.times) + text,
  }));
}

export const harmless = 'harmless';

interface Prompt {
  readonly messages: readonly PromptMessage[];
  readonly options: RenderOptions;
}

function prompt(words: Readonly<Record<string, string>>, begun?: RenderOptions['begun']): Prompt {
  const say = (place: string, usual: string): string => words[place] ?? usual;
  const tool: ToolDefinition = {
    name: say('tool name', 'read_file'),
    description: say('tool description', 'Reads a file.'),
    parameters: {
      type: 'object',
      properties: {
        [say('parameter name', 'path')]: {
          type: 'string',
          description: say('parameter description', 'Where it is.'),
          enum: [say('parameter value', 'a.ts')],
        },
      },
      required: [say('required name', 'path')],
      [say('schema key', 'extra')]: say('schema value', 'more'),
    },
  };
  return {
    messages: [
      { role: 'system', content: say('system', 'Be careful.') },
      { role: 'user', content: say('user', 'Read it.') },
      {
        role: 'assistant',
        content: say('words before a call', 'I will.'),
        thinking: say('thought', 'It must be read.'),
        toolCalls: [
          {
            name: say('call name', 'read_file'),
            arguments: {
              [say('argument name', 'path')]: say('argument', 'a.ts'),
              list: [say('argument in a list', 'x')],
            },
          },
        ],
      },
      { role: 'tool', name: say('result name', 'read_file'), content: say('result', 'export {};') },
      { role: 'assistant', content: say('answer', 'It is empty.') },
      { role: 'user', content: say('last user', 'And now?') },
    ],
    options: { tools: [tool], ...(begun && { begun, thinking: begun.thinking !== '' }) },
  };
}

/** By name of the place: the prompt with this text there. */
export const places: readonly { readonly name: string; readonly with: (text: string) => Prompt }[] = [
  ...[
    ...['system', 'user', 'words before a call', 'thought', 'call name', 'argument name', 'argument'],
    ...[
      'argument in a list',
      'result name',
      'result',
      'answer',
      'last user',
      'tool name',
      'tool description',
    ],
    ...['parameter name', 'parameter description', 'parameter value', 'required name', 'schema key'],
    'schema value',
  ].map((name) => ({ name, with: (text: string) => prompt({ [name]: text }) })),
  { name: 'begun text', with: (text) => prompt({}, { thinking: '', text }) },
  { name: 'begun thought', with: (text) => prompt({}, { thinking: text, text: '' }) },
];

/** A token list cut at its special tokens. */
function shapeOf(
  tokens: readonly TokenId[],
  specials: ReadonlySet<TokenId>,
): { readonly controls: TokenId[]; readonly between: TokenId[][] } {
  const controls: TokenId[] = [];
  const between: TokenId[][] = [[]];
  for (const id of tokens) {
    if (specials.has(id)) {
      controls.push(id);
      between.push([]);
    } else {
      between.at(-1)?.push(id);
    }
  }
  return { controls, between };
}

export class HostileTrial {
  private readonly specials: ReadonlySet<TokenId>;
  private readonly known = new WeakMap<ChatFormat, Map<string, Promise<readonly TokenId[] | undefined>>>();

  constructor(
    private readonly engine: EnginePort,
    private readonly model: ModelHandle,
    specials: readonly SpecialToken[],
  ) {
    this.specials = new Set(specials.map(({ id }) => id));
  }

  /**
   * What a text in this place has changed besides itself, in words; '' = nothing, undefined = the template refuses this prompt with any
   * text. The special tokens must be the same, in the same order, and so must all that stands between them and does not show the text.
   */
  async changed(
    format: ChatFormat,
    place: (typeof places)[number],
    text: string,
  ): Promise<string | undefined> {
    const tokens = await this.usual(format, place);
    if (tokens === undefined) {
      return undefined;
    }
    const hostile = place.with(text);
    return this.differs(tokens, await format.render(hostile.messages, hostile.options));
  }

  /** With a harmless text; undefined = it is refused. */
  private usual(format: ChatFormat, place: (typeof places)[number]): Promise<readonly TokenId[] | undefined> {
    const known = this.known.get(format) ?? new Map<string, Promise<readonly TokenId[] | undefined>>();
    this.known.set(format, known);
    let tokens = known.get(place.name);
    if (tokens === undefined) {
      const { messages, options } = place.with(harmless);
      tokens = format.render(messages, options).catch(() => undefined);
      known.set(place.name, tokens);
    }
    return tokens;
  }

  /** As `changed`, of token lists. */
  async differs(usual: readonly TokenId[], hostile: readonly TokenId[]): Promise<string> {
    const [want, got] = [shapeOf(usual, this.specials), shapeOf(hostile, this.specials)];
    if (want.controls.join() !== got.controls.join()) {
      return `${String(got.controls.length)} special tokens instead of ${String(want.controls.length)}, or others`;
    }
    for (const [i, segment] of want.between.entries()) {
      const shows = (await this.engine.detokenize(this.model, segment)).includes(harmless);
      if (!shows && segment.join() !== got.between[i]?.join()) {
        return `the text behind special token ${String(i)} is another`;
      }
    }
    return '';
  }
}
