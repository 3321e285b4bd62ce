import * as assert from 'node:assert/strict';
import { planWindow, wholeText, type TextWindow } from '../../../server/src/prompt';

const line = (i: number): string => `const value${String(i)} = compute(${String(i)});\n`;
const file = (lines: number): string => Array.from({ length: lines }, (_, i) => line(i)).join('');

function shown(text: string, window: TextWindow): string {
  return text.slice(window.start, text.length - window.after);
}

describe('prompt: the window over a long file', () => {
  const text = file(2000);
  const budget = 8000;
  const middle = text.indexOf('value1000 ');

  it('takes the whole file when it fits', () => {
    assert.deepEqual(planWindow('short', 3, 100, true, undefined), wholeText);
    assert.deepEqual(planWindow('short', 3, 4, false, undefined), wholeText);
  });

  it('holds at most the budget, the cursor about in the middle, borders at lines', () => {
    const window = planWindow(text, middle, budget, true, undefined);
    const inside = shown(text, window);
    assert.ok(inside.length <= budget && inside.length > budget / 2, String(inside.length));
    assert.equal(text[window.start - 1], '\n');
    assert.ok(inside.endsWith('\n'));
    const relative = (middle - window.start) / inside.length;
    assert.ok(relative > 0.35 && relative < 0.65, String(relative));
  });

  it('gives what one side does not need to the other', () => {
    for (const offset of [10, text.length - 10]) {
      const inside = shown(text, planWindow(text, offset, budget, true, undefined));
      assert.ok(inside.length > budget * 0.7 && inside.length <= budget, String(inside.length));
    }
  });

  it('stays where it is while the user types', () => {
    const first = planWindow(text, middle, budget, true, undefined);
    let typed = text;
    let offset = middle;
    for (let i = 0; i < 500; i += 1) {
      typed = `${typed.slice(0, offset)}x${typed.slice(offset)}`;
      offset += 1;
      assert.deepEqual(planWindow(typed, offset, budget, true, first), first);
    }
  });

  it('moves when the cursor leaves its middle half, and is the same again when it comes back by a jump', () => {
    const first = planWindow(text, middle, budget, true, undefined);
    const below = middle + budget / 2;
    const second = planWindow(text, below, budget, true, first);
    assert.notDeepEqual(second, first);
    assert.deepEqual(planWindow(text, middle, budget, true, undefined), first);
  });

  it('moves before it outgrows the budget', () => {
    let window = planWindow(text, middle, budget, true, undefined);
    let typed = text;
    let offset = middle;
    let moves = 0;
    for (let i = 0; i < 300; i += 1) {
      const block = line(i);
      typed = typed.slice(0, offset) + block + typed.slice(offset);
      offset += block.length;
      const next = planWindow(typed, offset, budget, true, window);
      moves += next === window ? 0 : 1;
      window = next;
      assert.ok(shown(typed, window).length <= budget);
      assert.ok(offset >= window.start && offset <= typed.length - window.after);
    }
    assert.ok(moves >= 1 && moves <= 8, `${String(moves)} moves for 300 lines`);
  });

  it('shows only text before the cursor to models that see no other, with room to type', () => {
    const window = planWindow(text, middle, budget, false, undefined);
    const size = middle - window.start;
    assert.ok(size > budget / 4 && size <= budget / 2, String(size));
    assert.deepEqual(planWindow(text, middle + 2000, budget, false, window), window);
    assert.notDeepEqual(planWindow(text, middle + budget, budget, false, window), window);
  });

  it('copes with one endless line, and never splits a character', () => {
    const endless = '🌳'.repeat(20_000);
    for (const offset of [0, 2, 9998, 20_000, 39_998, 40_000]) {
      const window = planWindow(endless, offset, 1001, true, undefined);
      const inside = shown(endless, window);
      assert.ok(inside.length > 0 && inside.length <= 1001, String(inside.length));
      assert.doesNotThrow(() => encodeURIComponent(inside), 'no half of a character');
      assert.ok(offset >= window.start && offset <= endless.length - window.after);
    }
  });

  it('does not give up an endless line for the border behind it', () => {
    const text = `x = [${'1234567,'.repeat(5000)}];\nfoo`;
    for (const usesSuffix of [true, false]) {
      const window = planWindow(text, text.length, 2000, usesSuffix, undefined);
      assert.ok(text.length - window.start > 700, String(text.length - window.start));
    }
  });

  it('is right for every cursor of many random files', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    let window: TextWindow | undefined;
    for (let i = 0; i < 2000; i += 1) {
      const sample = Array.from({ length: random(80) }, () => 'ab cd '.repeat(random(12))).join('\n');
      const offset = random(sample.length + 1);
      const limit = 40 + random(400);
      for (const usesSuffix of [true, false]) {
        const next = planWindow(sample, offset, limit, usesSuffix, random(2) === 0 ? window : undefined);
        const end = usesSuffix ? sample.length - next.after : offset;
        assert.ok(next.start >= 0 && next.start <= offset && end >= offset && end <= sample.length);
        assert.ok(end - next.start <= limit, `${String(end - next.start)} > ${String(limit)}`);
        window = next;
      }
    }
  });
});
