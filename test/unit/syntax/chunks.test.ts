import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grammarNames, Syntax, type Chunk } from '../../../server/src/syntax';
import { realSyntax } from './support';

const root = join(__dirname, '../../..');

function textsOf(text: string, chunks: readonly Chunk[]): string[] {
  const lines = text.split('\n');
  return chunks.map(({ startLine, endLine }) => lines.slice(startLine, endLine).join('\n'));
}

/** All of the text, once, in order, in pieces that are not too long. */
function assertCover(text: string, chunks: readonly Chunk[], maxLines: number): void {
  let line = 0;
  for (const { startLine, endLine } of chunks) {
    assert.equal(startLine, line);
    assert.ok(
      endLine > startLine && endLine - startLine <= maxLines,
      `${String(startLine)}–${String(endLine)}`,
    );
    line = endLine;
  }
  assert.equal(line, text.split('\n').length);
}

describe('syntax: chunks', () => {
  const syntax = realSyntax();
  const python = [
    'import a',
    'import b',
    '',
    '# What f does.',
    'def f():',
    '    a.c()',
    '',
    '',
    'class D:',
    '    def e(self):',
    '        pass',
    '',
  ].join('\n');

  it('keep functions and classes whole, with the comment above them', async () => {
    const chunks = await syntax.chunksOf(python, 'python', { maxLines: 40, joinLines: 0 });
    assertCover(python, chunks, 40);
    const found = textsOf(python, chunks);
    assert.ok(found.some((text) => text.startsWith('# What f does.\ndef f():\n    a.c()')));
    assert.ok(found.some((text) => text.startsWith('class D:')));
  });

  it('put small neighbours together', async () => {
    const chunks = await syntax.chunksOf(python, 'python', { maxLines: 40, joinLines: 4 });
    assert.equal(textsOf(python, chunks)[0], 'import a\nimport b\n');
    const one = await syntax.chunksOf(python, 'python', { maxLines: 40, joinLines: 40 });
    assert.equal(one.length, 1);
  });

  it('cut a long class at its methods', async () => {
    const text = readFileSync(join(root, 'server/src/completion/completer.ts'), 'utf8');
    const chunks = await syntax.chunksOf(text, 'typescript', { maxLines: 60, joinLines: 12 });
    assertCover(text, chunks, 60);
    const starts = textsOf(text, chunks).map((chunk) => chunk.trimStart().split('\n')[0] ?? '');
    assert.ok(
      starts.some((line) => line.startsWith('private async answer(')),
      starts.join('\n'),
    );
    assert.ok(chunks.length > 8);
  });

  it('cut by lines what has no parts', async () => {
    const text = `const a = \`\n${'x\n'.repeat(200)}\`;\n`;
    assertCover(text, await syntax.chunksOf(text, 'typescript', { maxLines: 50, joinLines: 10 }), 50);
  });

  it('go by the margin where there is no grammar', async () => {
    const text = 'fun a() {\n    b()\n}\n\nfun c() {\n    d()\n}\n';
    const chunks = await syntax.chunksOf(text, 'kotlin', { maxLines: 40, joinLines: 0 });
    assert.deepEqual(textsOf(text, chunks), ['fun a() {\n    b()\n}\n', 'fun c() {\n    d()\n}\n']);
  });

  it('cover all kinds of texts', async () => {
    for (const [languageId, text] of [
      ['typescript', ''],
      ['typescript', 'a'],
      ['python', '\n\n'],
      ['cpp', '}}}}\n{{{{\n'],
      ['nobody-knows', 'a\n\nb'],
    ] as const) {
      assertCover(text, await syntax.chunksOf(text, languageId), 60);
    }
  });

  it('every grammar that is named is shipped, and loads from its file and nowhere else', async () => {
    const shipped = readdirSync(join(root, 'dist/syntax')).flatMap(
      (name) => /^tree-sitter-(.*)\.wasm$/.exec(name)?.[1] ?? [],
    );
    assert.deepEqual(shipped.sort(), grammarNames);
    const said: string[] = [];
    const loud = new Syntax(join(root, 'dist/syntax'), {
      info: () => undefined,
      error: (text) => said.push(text),
      warn: (text) => said.push(text),
    });
    const ids: Readonly<Record<string, string>> = {
      tsx: 'typescriptreact',
      'c-sharp': 'csharp',
      bash: 'shellscript',
    };
    const { fetch } = globalThis;
    globalThis.fetch = () => Promise.reject(new Error('The network was asked for.'));
    try {
      for (const name of grammarNames) {
        const document = { uri: `file:///${name}`, languageId: ids[name] ?? name, text: 'a' };
        assert.equal((await loud.scopeAt(document, 1, 10_000)).source, 'tree', name);
      }
    } finally {
      globalThis.fetch = fetch;
      loud.dispose();
    }
    assert.deepEqual(said, []);
    assert.ok(grammarNames.length >= 12);
  });
});
