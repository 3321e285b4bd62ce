import * as assert from 'node:assert/strict';
import { RecentSuggestions } from '../../../server/src/completion/recent';

describe('completion: typing along a suggestion', () => {
  const fresh = (): RecentSuggestions<string> => {
    const recent = new RecentSuggestions<string>();
    recent.remember('file:///a', 'let x = ', '\nrest', 'compute(1);', 'made');
    return recent;
  };

  it('finds what is left of it', () => {
    assert.equal(fresh().find('file:///a', 'let x = comp', '\nrest')?.rest, 'ute(1);');
    assert.equal(fresh().find('file:///a', 'let x = ', '\nrest')?.rest, 'compute(1);');
  });

  it('bears closing brackets that the editor types', () => {
    assert.equal(fresh().find('file:///a', 'let x = compute(', ')\nrest')?.rest, '1);');
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
    recent.remember('file:///a', 'let x = cum', '\nrest', 'ulate();', 'other');
    assert.equal(recent.find('file:///a', 'let x = c', '\nrest')?.rest, 'ompute(1);');
  });

  it('remembers what belongs to it', () => {
    assert.equal(fresh().find('file:///a', 'let x = comp', '\nrest')?.made, 'made');
  });

  it('is none after an edit anywhere, however far away and of whatever length', () => {
    const far = (name: string): string => `let ${name} = 1;\n${'f();\n'.repeat(500)}`;
    const recent = new RecentSuggestions<string>();
    recent.remember('file:///a', `${far('a')}x = `, `\n${far('b')}`, 'compute(1);', 'made');
    assert.equal(recent.find('file:///a', `${far('a')}x = c`, `\n${far('b')}`)?.rest, 'ompute(1);');
    assert.equal(recent.find('file:///a', `${far('z')}x = c`, `\n${far('b')}`), undefined, 'before it');
    assert.equal(recent.find('file:///a', `${far('a')}x = c`, `\n${far('z')}`), undefined, 'behind it');
    const end = `\n${far('b')}!`;
    assert.equal(recent.find('file:///a', `${far('a')}x = c`, end), undefined, 'at the end');
  });

  it('tells brackets that the editor types from brackets that were there', () => {
    const recent = new RecentSuggestions<string>();
    recent.remember('file:///a', 'f(', ')\nrest', 'a, b', 'made');
    assert.equal(recent.find('file:///a', 'f(a', ')\nrest')?.rest, ', b');
    assert.equal(recent.find('file:///a', 'f(a', '))\nrest')?.rest, ', b', 'one more');
    assert.equal(recent.find('file:///a', 'f(a', '\nrest')?.rest, ', b', 'one less');
    assert.equal(recent.find('file:///a', 'f(a', ']\nrest'), undefined, 'another one');
    assert.equal(recent.find('file:///a', 'f(a', ')\nRest'), undefined);
  });

  it('knows both of two suggestions at one place whose text behind differs', () => {
    const recent = new RecentSuggestions<string>();
    recent.remember('file:///a', 'x = ', '\none', 'first', '1');
    recent.remember('file:///a', 'x = ', '\ntwo', 'second', '2');
    assert.equal(recent.find('file:///a', 'x = f', '\none')?.rest, 'irst');
    assert.equal(recent.find('file:///a', 'x = s', '\ntwo')?.rest, 'econd');
  });

  it('lets go of what was used longest ago', () => {
    const recent = new RecentSuggestions<string>();
    for (let i = 0; i < 16; i += 1) {
      recent.remember('file:///a', `${String(i)}: `, '', 'text', '');
    }
    assert.equal(recent.find('file:///a', '0: t', '')?.rest, 'ext', 'used again');
    recent.remember('file:///a', '16: ', '', 'text', '');
    assert.equal(recent.find('file:///a', '1: t', ''), undefined);
    assert.equal(recent.find('file:///a', '0: t', '')?.rest, 'ext');
  });

  it('forgets', () => {
    const recent = fresh();
    recent.forget('file:///a');
    assert.equal(recent.find('file:///a', 'let x = comp', '\nrest'), undefined);
  });

  it('keeps a bounded number', () => {
    const recent = new RecentSuggestions<string>();
    for (let i = 0; i < 100; i += 1) {
      recent.remember('file:///a', 'x'.repeat(i), '', 'suggestion', 'made');
    }
    assert.equal(recent.find('file:///a', 'x'.repeat(10), ''), undefined);
    assert.equal(recent.find('file:///a', 'x'.repeat(99), '')?.rest, 'suggestion');
  });
});
