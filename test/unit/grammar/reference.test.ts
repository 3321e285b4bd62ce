/**
 * Masks against those of another implementation, which compiles grammars beforehand (@mlc-ai/web-xgrammar; it is not shipped,
 * docs/adr/0016 says why). It knows neither budgets nor texts with tags, so both are left out.
 */
import * as assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jsonSchemaGrammar, toolCallGrammar } from '../../../server/src/conversation/masks';
import type { Expression, Grammar } from '../../../server/src/grammar/grammar';
import { Masks } from '../../../server/src/grammar/masks';
import { Random } from '../../support/random';
import { byteAlphabet } from '../../support/syntheticTokenizer';
import { toolSchemas } from '../masks/schemas';
import { normalRanges } from '../../../server/src/grammar/utf8';
import { randomGrammar, sample, smallVocabulary } from './support';

interface Matcher {
  acceptToken(id: number): boolean;
  getNextTokenBitmask(): Promise<Int32Array>;
  dispose(): void;
}
interface Reference {
  TokenizerInfo: {
    createTokenizerInfo(...args: unknown[]): Promise<unknown>;
  };
  GrammarCompiler: {
    createGrammarCompiler(info: unknown): Promise<{ compileGrammar(ebnf: string): Promise<unknown> }>;
  };
  GrammarMatcher: { createGrammarMatcher(compiled: unknown): Promise<Matcher> };
}

const hex = (point: number): string => `\\U${point.toString(16).padStart(8, '0')}`;
const quote = (text: string): string =>
  `"${Array.from(text, (character) => hex(character.codePointAt(0) ?? 0)).join('')}"`;
const nameOf = (name: string): string => name.replaceAll(/\W/g, '_');

/** Undefined: it cannot be written so. */
function toEbnf({ root, rules }: Grammar): string | undefined {
  const impossible = new Set<string>();
  const write = (expression: Expression): string => {
    switch (expression.kind) {
      case 'text':
        return expression.text === '' ? '""' : quote(expression.text);
      case 'character': {
        return `[${expression.ranges.map(([from, to]) => `${hex(from)}-${hex(to)}`).join('')}]`;
      }
      case 'sequence':
        return expression.of.length === 0 ? '""' : `(${expression.of.map(write).join(' ')})`;
      case 'choice':
        return `(${expression.of.map(write).join(' | ')})`;
      case 'repeat':
        return expression.most === 0
          ? '""'
          : `(${write(expression.of)}){${String(expression.least)},${expression.most === undefined ? '' : String(expression.most)}}`;
      case 'rule':
        return nameOf(expression.name);
      case 'free':
      case 'lines':
      case 'pieces':
        impossible.add(expression.kind);
        return '""';
    }
  };
  const lines = Object.entries(rules).map(
    ([name, expression]) => `${name === root ? 'root' : nameOf(name)} ::= ${write(expression)}`,
  );
  return impossible.size === 0 ? lines.join('\n') : undefined;
}

/** In ASCII: of classes with other characters it makes bytes that are no UTF-8. */
function inAscii({ root, rules }: Grammar): Grammar {
  const replaced = (expression: Expression): Expression => {
    switch (expression.kind) {
      case 'text':
        return { kind: 'text', text: expression.text.replaceAll(/[^\0-\x7f]/gu, 'u') };
      case 'character': {
        const ranges = normalRanges(expression.ranges, expression.except ?? false);
        const kept = ranges.flatMap(([from, to]) =>
          from < 0x80 ? [[from, Math.min(to, 0x7f)] as const] : [],
        );
        return { kind: 'character', ranges: kept.length === 0 ? [[0x75, 0x75]] : kept };
      }
      case 'sequence':
      case 'choice':
        return { kind: expression.kind, of: expression.of.map(replaced) };
      case 'repeat':
        return { ...expression, of: replaced(expression.of) };
      case 'rule':
      case 'free':
      case 'lines':
      case 'pieces':
        return expression;
    }
  };
  return {
    root,
    rules: Object.fromEntries(Object.entries(rules).map(([name, body]) => [name, replaced(body)])),
  };
}

describe('grammar: another implementation', function () {
  this.timeout(60_000);
  const vocabulary = smallVocabulary();
  const end = vocabulary.size - 1;
  let reference: Reference;
  let compiler: Awaited<ReturnType<Reference['GrammarCompiler']['createGrammarCompiler']>>;

  before(async () => {
    // Its file is CommonJS in a package that calls itself a module.
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-reference-'));
    const main = join(dirname(require.resolve('@mlc-ai/web-xgrammar/package.json')), 'lib', 'index.js');
    copyFileSync(main, join(folder, 'reference.cjs'));
    reference = createRequire(join(folder, 'x'))('./reference.cjs') as Reference;
    rmSync(folder, { recursive: true });
    const alphabet = byteAlphabet();
    const tokens = Array.from({ length: vocabulary.size }, (_, id) =>
      id === end ? '<|end|>' : Array.from(vocabulary.bytesOf(id), (byte) => alphabet[byte]).join(''),
    );
    const info = await reference.TokenizerInfo.createTokenizerInfo(
      tokens,
      'byte_level',
      false,
      tokens.length,
      [end],
    );
    compiler = await reference.GrammarCompiler.createGrammarCompiler(info);
  });

  async function compare(original: Grammar, seed: number): Promise<number> {
    const grammar = inAscii(original);
    const ebnf = toEbnf(grammar);
    if (ebnf === undefined) {
      return 0;
    }
    const masks = new Masks(grammar, vocabulary);
    const matcher = await reference.GrammarMatcher.createGrammarMatcher(await compiler.compileGrammar(ebnf));
    let state = masks.machine.start;
    let steps = 0;
    const bytes = Buffer.from(sample(grammar.rules[grammar.root] as Expression, grammar, new Random(seed)));
    for (let at = 0; ;) {
      const wanted = await matcher.getNextTokenBitmask();
      const { words, mayEnd } = masks.mask(state, Infinity);
      for (let id = 0; id < vocabulary.size; id += 1) {
        const may = id === end ? mayEnd : ((words[id >> 5] ?? 0) & (1 << (id & 31))) !== 0;
        assert.equal(
          may,
          ((wanted[id >> 5] ?? 0) & (1 << (id & 31))) !== 0,
          `token ${String(id)} after ${bytes.toString('utf8', 0, at)} by\n${ebnf}`,
        );
      }
      steps += 1;
      if (at >= bytes.length) {
        break;
      }
      const next = Array.from({ length: vocabulary.size }, (_, id) => id)
        .filter((id) => ((words[id >> 5] ?? 0) & (1 << (id & 31))) !== 0)
        .find((id) => bytes.subarray(at).indexOf(vocabulary.bytesOf(id)) === 0) as number;
      assert.ok(matcher.acceptToken(next));
      state = masks.accept(state, next);
      at += vocabulary.bytesOf(next).length;
    }
    matcher.dispose();
    return steps;
  }

  it('allows the same tokens at every step of JSON by schemas and of tool calls', async () => {
    const bounds = { stringLength: 5, items: 2, digits: 3, depth: 1, keyLength: 3 };
    let steps = 0;
    for (const [i, schema] of Object.values(toolSchemas).entries()) {
      steps += await compare(jsonSchemaGrammar(schema, bounds), i);
    }
    const tools = ['read_file', 'get_weather', 'commit'].map((name) => ({
      name,
      parameters: toolSchemas[name] ?? true,
    }));
    steps += await compare(toolCallGrammar(tools, { bounds }), 1);
    assert.ok(steps > 500, String(steps));
  });

  it('allows the same tokens by grammars at random', async () => {
    let steps = 0;
    for (let seed = 0; seed < 700; seed += 1) {
      steps += await compare(randomGrammar(new Random(9000 + seed)), seed);
    }
    assert.ok(steps > 150, String(steps));
  });
});
