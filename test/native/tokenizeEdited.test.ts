/** Texts that change by edits, through the port: the ids are those of the whole text, and come at once. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../support/random';
import { Bench, codeOf, median, needAddon, root } from './support';

const source = readFileSync(join(root, 'server', 'src', 'engine', 'nativeEngine.ts'), 'utf8');
const pastes = ['x', '\n', '    ', 'é', '🌳', "'s", '12', '\r\n', '<|endoftext|>', 'const a = 1;\n'];

describe('native engine: tokens of edited texts', function () {
  this.timeout(60_000);
  before(needAddon);

  it('are those of the whole text, after every edit, in every slot', async () => {
    const bench = await Bench.open();
    const random = new Random(5);
    const pick = (below: number): number => random.below(below);
    const texts = Array.from({ length: 4 }, () => source.slice(0, 3000 + pick(3000)));
    for (let i = 0; i < 400; i += 1) {
      const slot = pick(texts.length);
      const text = texts[slot] as string;
      const at = pick(text.length);
      const edited = text.slice(0, at) + (pastes[pick(pastes.length)] as string) + text.slice(at + pick(4));
      texts[slot] = edited;
      const [quick, whole] = await Promise.all([
        bench.engine.tokenizeEdited(bench.model, slot, edited),
        bench.tokenize(edited),
      ]);
      assert.deepEqual(quick, whole);
    }
    assert.equal(await codeOf(bench.engine.tokenizeEdited(bench.model, 99, 'x')), 'invalid_argument');
    await bench.engine.dispose();
  });

  it('come at once in a large file', async () => {
    const bench = await Bench.open();
    let text = source.repeat(40).slice(0, 400_000);
    await bench.engine.tokenizeEdited(bench.model, 0, text);
    const edited: number[] = [];
    const whole: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      const at = 200_000 + i;
      text = `${text.slice(0, at)}${'typing '[i % 7] as string}${text.slice(at)}`;
      const start = performance.now();
      const quick = await bench.engine.tokenizeEdited(bench.model, 0, text);
      edited.push(performance.now() - start);
      const again = performance.now();
      const slow = await bench.tokenize(text);
      whole.push(performance.now() - again);
      assert.equal(quick.length, slow.length);
    }
    console.log(
      `      a key in 400 kB: ${median(edited).toFixed(1)} ms, the whole text ${median(whole).toFixed(1)} ms`,
    );
    assert.ok(median(edited) < median(whole) / 2);
    await bench.engine.dispose();
  });

  it('may be asked for while the model is unloaded', async () => {
    const bench = await Bench.open();
    const asked = Array.from({ length: 8 }, (_, slot) =>
      codeOf(bench.engine.tokenizeEdited(bench.model, slot, source)),
    );
    await bench.engine.unload(bench.model);
    for (const code of await Promise.all(asked)) {
      assert.match(code, /no error|invalid_argument/);
    }
    await bench.engine.dispose();
  });
});
