import * as assert from 'node:assert/strict';
import {
  beginsWithPrefix,
  fimFormOf,
  parseFimTemplate,
  prefixOnlyForm,
  renderPrompt,
  type FimForm,
} from '../../../server/src/prompt';

const spm = '<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}';
const psm = '<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>';

/** Every character is a token, every control token one token; writes down what was asked to be parsed as control. */
class CharacterTokenizer {
  readonly special: string[] = [];
  tokenize(text: string, special: boolean): Promise<readonly number[]> {
    if (special) {
      this.special.push(text);
      return Promise.resolve([1_000_000 + text.length]);
    }
    return Promise.resolve(Array.from(text, (c) => c.codePointAt(0) as number));
  }
  tokenizeText(_part: number, text: string): Promise<readonly number[]> {
    return this.tokenize(text, false);
  }
  detokenize(tokens: readonly number[]): Promise<string> {
    return Promise.resolve(String.fromCodePoint(...tokens));
  }
}

const values = { path: 'src/a.ts', prefix: 'let x', suffix: ';\n' };

describe('prompt: FIM forms', () => {
  it('reads the suffix-first form out of the header', () => {
    const form = fimFormOf({ 'fim.template.spm': spm, 'fim.template.psm': psm });
    assert.equal(form.name, 'suffix-first contiguous');
    assert.equal(form.usesSuffix, true);
  });

  it('takes the prefix-first form where there is no other, and the plain prefix where there is none', () => {
    assert.equal(fimFormOf({ 'fim.template.psm': psm }).name, 'prefix-first');
    assert.equal(fimFormOf({}), prefixOnlyForm);
  });

  it('refuses templates whose prefix cannot be told from other text', () => {
    assert.equal(parseFimTemplate('x', '<|a|>{path} {prefix}'), undefined);
    assert.equal(parseFimTemplate('x', '<|a|>{suffix}'), undefined);
    assert.equal(parseFimTemplate('x', '{prefix}<|a|>{prefix}'), undefined);
  });

  it('parses only its own control tokens, never those in the user’s text', async () => {
    const tokenizer = new CharacterTokenizer();
    const form = parseFimTemplate('spm', spm) as FimForm;
    await renderPrompt(
      form,
      { path: '<|im_start|>', prefix: '<|fim_middle|>', suffix: '<|endoftext|>' },
      tokenizer,
    );
    assert.deepEqual(tokenizer.special, [
      '<|file_sep|>',
      '<|fim_prefix|>',
      '<|fim_suffix|>',
      '<|fim_middle|>',
    ]);
  });

  it('puts the parts in the form’s order and heals the last character', async () => {
    const tokenizer = new CharacterTokenizer();
    const { tokens, healed } = await renderPrompt(parseFimTemplate('spm', spm) as FimForm, values, tokenizer);
    const text = tokens.map((id) => (id >= 1_000_000 ? '|' : String.fromCodePoint(id))).join('');
    assert.equal(text, '|src/a.ts\n||;\n|let ');
    assert.equal(healed, 'x');
  });

  it('heals the prefix also where it stands first', async () => {
    const { tokens, healed } = await renderPrompt(
      parseFimTemplate('psm', psm) as FimForm,
      values,
      new CharacterTokenizer(),
    );
    const text = tokens.map((id) => (id >= 1_000_000 ? '|' : String.fromCodePoint(id))).join('');
    assert.equal(text, '|let |;\n|');
    assert.equal(healed, 'x');
  });

  it('puts the cursor’s line at the end, where the form wants it there', async () => {
    const form = parseFimTemplate('x', '<|a|>{head}<|b|>{suffix}<|c|>{line}') as FimForm;
    const prefix = 'one();\n  two(x';
    const { tokens, healed, parts } = await renderPrompt(
      form,
      { ...values, prefix },
      new CharacterTokenizer(),
    );
    const text = tokens.map((id) => (id >= 1_000_000 ? '|' : String.fromCodePoint(id))).join('');
    assert.equal(text, '|one();\n|;\n|  two(');
    assert.equal(healed, 'x');
    assert.deepEqual(
      parts.map((part) => part.fields),
      [[], ['head'], [], ['suffix'], [], ['line']],
    );
    assert.equal(beginsWithPrefix(form), true);
    assert.equal(beginsWithPrefix(parseFimTemplate('spm', spm) as FimForm), false);
    for (const half of ['<|a|>{line}', '<|a|>{head}', '<|a|>{head}<|b|>{prefix}', '<|a|>{head}{line}']) {
      assert.equal(parseFimTemplate('x', half), undefined, half);
    }
  });

  it('keeps a prompt of one token as it is, and gives none for no text', async () => {
    const one = await renderPrompt(prefixOnlyForm, { ...values, prefix: 'a' }, new CharacterTokenizer());
    const parts = [{ fields: ['prefix'], characters: 1, tokens: 1 }];
    assert.deepEqual(one, { tokens: [97], healed: '', parts });
    const none = await renderPrompt(prefixOnlyForm, { ...values, prefix: '' }, new CharacterTokenizer());
    assert.deepEqual(none.tokens, []);
  });
});
