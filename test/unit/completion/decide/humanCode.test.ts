/**
 * The filters must not spoil what is right: source code of this project is taken apart, a cursor at a time, and what people wrote there
 * is proposed. It should come out as it went in.
 */
import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { decide } from '../../../../server/src/completion/decide';
import { cursorText } from '../../../../server/src/prompt';
import { columnsOf } from '../../../../server/src/syntax';
import { realSyntax } from '../../syntax/support';

const root = join(__dirname, '../../../..');
const languageIds: Readonly<Record<string, string>> = {
  '.ts': 'typescript',
  '.mjs': 'javascript',
  '.py': 'python',
  '.cc': 'cpp',
  '.h': 'cpp',
};

interface Source {
  readonly path: string;
  readonly languageId: string;
  readonly text: string;
}

function sources(): Source[] {
  return ['server/src/completion', 'native/src/kv', 'scripts', 'training'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in languageIds)
      .map(({ name }) => ({
        path: join(folder, name),
        languageId: languageIds[extname(name)] as string,
        text: readFileSync(join(root, folder, name), 'utf8'),
      })),
  );
}

function indentOf(line: string): number {
  return columnsOf(/^\s*/.exec(line)?.[0] ?? '');
}

describe('completion: deciding about code that people wrote', function () {
  this.timeout(60_000);
  const syntax = realSyntax();

  after(() => {
    syntax.dispose();
  });

  /** How many of the cases come out as they went in; the others are told. */
  function assertMostly(what: string, failures: readonly string[], count: number, share: number): void {
    const right = 1 - failures.length / count;
    console.log(`      ${what}: ${String(count)}, ${(100 * right).toFixed(1)}% unchanged`);
    assert.ok(count > 100);
    assert.ok(right >= share, failures.join('\n'));
  }

  it('keeps the rest of a line as it is, wherever the cursor stands in it', async () => {
    const failures: string[] = [];
    let count = 0;
    for (const { path, languageId, text } of sources()) {
      for (let at = 97; at < text.length; at += 997) {
        const newline = text.indexOf('\n', at);
        const truth = text.slice(at, newline).trimEnd();
        if (newline < 0 || truth.trim() === '') {
          continue;
        }
        const source = text.slice(0, at) + text.slice(newline);
        const scope = await syntax.scopeAt({ uri: path, languageId, text: source }, at, 5_000);
        const decision = decide(truth, cursorText(source, at), scope, { maxLines: 20 });
        count += 1;
        if (!('text' in decision) || decision.text !== truth) {
          failures.push(`${path}:${String(at)} ${truth} → ${JSON.stringify(decision)}`);
        }
      }
      syntax.forget(path);
    }
    assertMostly('lines', failures, count, 0.99);
  });

  it('keeps the body of a block, and nothing of what follows it', async () => {
    const failures: string[] = [];
    let count = 0;
    for (const { path, languageId, text } of sources()) {
      const lines = text.split('\n');
      for (let i = 0; i < lines.length; i += 5) {
        const line = lines[i] as string;
        const opens =
          languageId === 'python'
            ? /^\s*(?:def|class|if|for|while|with)\b.*:$/.test(line)
            : /(?:\)|=>|else|try|const|override)[^=;,(]* ?\{$/.test(line) && !line.includes('namespace');
        let end = i + 1;
        while (
          opens &&
          end < lines.length &&
          (lines[end] === '' || indentOf(lines[end] as string) > indentOf(line))
        ) {
          end += 1;
        }
        if (!opens || end - i < 3 || end - i > 40 || end >= lines.length) {
          continue;
        }
        const body = lines
          .slice(i + 1, end)
          .join('\n')
          .trimEnd();
        const white = /^\s*/.exec(body)?.[0] ?? '';
        const before = `${lines.slice(0, i + 1).join('\n')}\n${white}`;
        const behind = `\n${lines.slice(end).join('\n')}`;
        // What a model goes on to write: the line behind the block, and more.
        const generated = [body.slice(white.length), ...lines.slice(end, end + 5)].join('\n');
        const source = before + behind;
        const scope = await syntax.scopeAt({ uri: path, languageId, text: source }, before.length, 5_000);
        const decision = decide(generated, cursorText(source, before.length), scope, { maxLines: 100 });
        count += 1;
        if (!('text' in decision) || decision.text !== body.slice(white.length)) {
          failures.push(`${path}:${String(i + 1)} ${JSON.stringify(decision)}`);
        }
      }
      syntax.forget(path);
    }
    assertMostly('bodies', failures, count, 0.99);
  });
});
