/** Every text in every language: none is missing, none is left over, and what is filled in stands in each. */
import * as assert from 'node:assert/strict';
import { read, repositoryFiles } from './files';

/** BCP 47 tags as VS Code spells them in names of bundles. */
const languages = ['de', 'ja', 'zh-cn'];

const texts = (path: string): Record<string, string> => JSON.parse(read(path)) as Record<string, string>;

/** What VS Code and people take literally: `{0}`, settings and commands in backticks, targets of links. */
function fixedParts(text: string): string[] {
  return [...text.matchAll(/\{\d+\}|`[^`]+`|\]\([^)]*\)/g)].map(([part]) => part).sort();
}

/** What is wrong with a translation of `source`. */
function faults(source: Record<string, string>, translated: Record<string, string>): string[] {
  const missing = Object.keys(source).filter((key) => (translated[key] ?? '').trim() === '');
  const extra = Object.keys(translated).filter((key) => !(key in source));
  const changed = Object.entries(source).filter(
    ([key, text]) =>
      key in translated &&
      JSON.stringify(fixedParts(text)) !== JSON.stringify(fixedParts(translated[key] ?? '')),
  );
  return [
    ...missing.map((key) => `missing: ${key}`),
    ...extra.map((key) => `left over: ${key}`),
    ...changed.map(([key]) => `other placeholders, code or links: ${key}`),
  ];
}

describe('tidy: translations', () => {
  for (const language of languages) {
    it(`has the manifest's texts in ${language}`, () => {
      assert.deepEqual(faults(texts('package.nls.json'), texts(`package.nls.${language}.json`)), []);
    });

    it(`has the client's texts in ${language}`, () => {
      const bundle = texts('client/l10n/bundle.l10n.json');
      assert.deepEqual(faults(bundle, texts(`client/l10n/bundle.l10n.${language}.json`)), []);
    });

    it(`really is another language: ${language}`, () => {
      const pairs = [
        [texts('package.nls.json'), texts(`package.nls.${language}.json`)],
        [texts('client/l10n/bundle.l10n.json'), texts(`client/l10n/bundle.l10n.${language}.json`)],
      ] as const;
      for (const [source, translated] of pairs) {
        const same = Object.entries(source).filter(
          ([key, text]) => translated[key] === text && /[a-z]{4,} [a-z]{3,}/i.test(text),
        );
        assert.deepEqual(
          same.map(([key]) => key),
          [],
        );
      }
    });
  }

  it('knows no language that is not whole', () => {
    const found = repositoryFiles().flatMap((path) => {
      const match = /^(?:package\.nls|client\/l10n\/bundle\.l10n)\.([\w-]+)\.json$/.exec(path);
      return match === null ? [] : [match[1] as string];
    });
    assert.deepEqual([...new Set(found)].sort(), languages);
  });

  it('would notice what is wrong', () => {
    const source = { a: 'Take {0} of `niwaki.x`', b: 'Delete' };
    assert.deepEqual(faults(source, { a: '`niwaki.x`: {0}', b: 'Löschen' }), []);
    assert.equal(faults(source, { a: 'Nimm {1} von `niwaki.x`', b: 'Löschen' }).length, 1);
    assert.equal(faults(source, { a: '{0} `niwaki.y`', c: 'x' }).length, 3);
  });
});
