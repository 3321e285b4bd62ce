/** The house's own rules: sizes, words, what is shipped. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { read, repositoryFiles, root, sourcePattern } from './files';

const generated = new Set(['native/src/tokenizer/unicode_table.cc']);
const longest = 600;

describe('tidy: the house', () => {
  const files = repositoryFiles();
  const sources = files.filter(
    (path) => sourcePattern.test(path) && !/^test\/(fixtures|golden)\//.test(path),
  );

  it('has no source file over 600 lines', () => {
    // training/ is the recipe as it ran; a split would be a recipe that never ran.
    const long = sources
      .filter((path) => !generated.has(path) && !path.startsWith('training/'))
      .map((path) => ({ path, lines: read(path).split('\n').length }))
      .filter(({ lines }) => lines > longest);
    assert.deepEqual(long, []);
  });

  it('has only the folders that the plan names', () => {
    const folders = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0]));
    const planned = [
      'bench',
      'client',
      'docs',
      'media',
      'models',
      'native',
      'protocol',
      'scripts',
      'server',
      'test',
      'training',
    ];
    assert.deepEqual(
      [...folders].filter(
        (folder) => folder !== undefined && !folder.startsWith('.') && !planned.includes(folder),
      ),
      [],
    );
  });

  it('names no registry host in the lock file or elsewhere', () => {
    const hosts = [
      ['registry', 'npmjs', 'org'],
      ['registry', 'yarnpkg', 'com'],
      ['deb', 'debian', 'org'],
    ].map((parts) => parts.join('.'));
    const named = files
      .filter((path) => !/\.(gguf|png|gz|ico)$/.test(path))
      .filter((path) => hosts.some((host) => read(path).includes(host)));
    assert.deepEqual(named, []);
  });

  it('leaves no mark of unfinished work', () => {
    const marks = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X:|not impl', 'emented'].join(''));
    const marked = sources.filter((path) => !path.startsWith('training/') && marks.test(read(path)));
    assert.deepEqual(marked, []);
  });

  it('links only to documents that exist', () => {
    const broken = files
      .filter((path) => path.endsWith('.md') && !path.startsWith('test/fixtures/'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
          .map((match) => match[1] as string)
          .filter((target) => !existsSync(join(root, path, '..', target)))
          .map((target) => `${path} -> ${target}`),
      );
    assert.deepEqual(broken, []);
  });

  it('has a text for every key in the manifest, and a key for every text', () => {
    const manifest = read('package.json');
    const texts = Object.keys(JSON.parse(read('package.nls.json')) as Record<string, string>);
    const keys = [...manifest.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1] as string);
    assert.deepEqual(
      keys.filter((key) => !texts.includes(key)),
      [],
    );
    assert.deepEqual(
      texts.filter((key) => !keys.includes(key)),
      [],
    );
  });

  it('lists every text of the client for translators', () => {
    const bundle = Object.keys(JSON.parse(read('client/l10n/bundle.l10n.json')) as Record<string, string>);
    const used = new Set(
      files
        .filter((path) => path.startsWith('client/src/'))
        .flatMap((path) =>
          [...read(path).matchAll(/l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g)].map((match) => match[1] as string),
        ),
    );
    assert.deepEqual(
      [...used].filter((text) => !bundle.includes(text)),
      [],
    );
    assert.deepEqual(
      bundle.filter((text) => !used.has(text)),
      [],
    );
  });
});
