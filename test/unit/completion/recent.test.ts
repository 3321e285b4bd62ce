import * as assert from 'node:assert/strict';
import { RecentSuggestions } from '../../../server/src/completion/recent';

describe('completion: typing along a suggestion', () => {
  const fresh = (): RecentSuggestions => {
    const recent = new RecentSuggestions();
    recent.remember('file:///a', 'let x = ', '\nrest', 'compute(1);');
    return recent;
  };

  it('finds what is left of it', () => {
    assert.equal(fresh().find('file:///a', 'let x = comp', '\nrest'), 'ute(1);');
    assert.equal(fresh().find('file:///a', 'let x = ', '\nrest'), 'compute(1);');
  });

  it('bears closing brackets that the editor types', () => {
    assert.equal(fresh().find('file:///a', 'let x = compute(', ')\nrest'), '1);');
  });

  it('is none when other text is typed, all is typed, or the place is another', () => {
    assert.equal(fresh().find('file:///a', 'let x = cum', '\nrest'), undefined);
    assert.equal(fresh().find('file:///a', 'let x = compute(1);', '\nrest'), undefined);
    assert.equal(fresh().find('file:///b', 'let x = comp', '\nrest'), undefined);
    assert.equal(fresh().find('file:///a', 'let y = comp', '\nrest'), undefined);
    assert.equal(fresh().find('file:///a', 'let x = comp', '\nother'), undefined);
    assert.equal(fresh().find('file:///a', 'let x = comp', ' + b\nrest'), undefined);
  });

  it('comes back after deleting what did not fit', () => {
    const recent = fresh();
    recent.remember('file:///a', 'let x = cum', '\nrest', 'ulate();');
    assert.equal(recent.find('file:///a', 'let x = c', '\nrest'), 'ompute(1);');
  });

  it('forgets', () => {
    const recent = fresh();
    recent.forget('file:///a');
    assert.equal(recent.find('file:///a', 'let x = comp', '\nrest'), undefined);
  });

  it('keeps a bounded number', () => {
    const recent = new RecentSuggestions();
    for (let i = 0; i < 100; i += 1) {
      recent.remember('file:///a', 'x'.repeat(i), '', 'suggestion');
    }
    assert.equal(recent.find('file:///a', 'x'.repeat(10), ''), undefined);
    assert.equal(recent.find('file:///a', 'x'.repeat(99), ''), 'suggestion');
  });
});
