import * as assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readInside, readRulesInside } from '../../../server/src/workspace/diskFiles';
import { foldersOf, type WorkspaceFolder } from '../../../server/src/workspace/folders';
import { IgnoreRules } from '../../../server/src/workspace/ignore/ignoreRules';

const folder: WorkspaceFolder = { uri: 'file:///w', root: '/w', name: 'w' };

/** Rules over ignore files that are given as text. */
function rulesOf(files: Readonly<Record<string, string>>, exclude: readonly string[] = []): IgnoreRules {
  const rules = new IgnoreRules(({ path }) => Promise.resolve(files[path]));
  rules.setExclude(exclude);
  return rules;
}

async function left(rules: IgnoreRules, paths: readonly string[]): Promise<string[]> {
  const verdicts = await Promise.all(paths.map((path) => rules.verdict({ folder, path })));
  return paths.filter((_, i) => verdicts[i] === undefined);
}

describe('workspace: ignore rules', () => {
  it('decides like git, whatever the nesting, the negation and the characters', async function () {
    if (spawnSync('git', ['--version']).status !== 0) {
      console.log('      skipped: git is not installed');
      this.skip();
    }
    const root = mkdtempSync(join(tmpdir(), 'niwaki-ignore-'));
    const ignoreFiles = {
      '.gitignore': [
        '\uFEFF# a comment behind a byte order mark',
        '*.log',
        '!keep.log',
        '/top.txt',
        'build/',
        'docs/*.md',
        '**/deep/**/x.txt',
        'a/**/z.txt',
        '\\#hash.txt',
        '\\!bang.txt',
        'trailing.txt   ',
        'space\\ ',
        '[ab].bin',
        '[!c]q.bin',
        '',
        'foo*bar*baz.txt',
        'middle/dir',
        '*.tmp\r',
        'vendor/**',
        '!vendor/ours/',
        '!vendor/ours/**',
      ].join('\n'),
      'sub/.gitignore': ['!*.log', '/local.txt', 'nested/out', '!build/', 'only.txt'].join('\n'),
      'sub/deeper/.gitignore': ['*', '!*.ts', '!.gitignore'].join('\n'),
      'odd [x]/.gitignore': ['gone.txt', '!*.log'].join('\n'),
    };
    const paths = [
      ...[
        'a.log',
        'keep.log',
        'x/keep.log',
        'top.txt',
        'x/top.txt',
        'build/a.ts',
        'x/build/a.ts',
        'build.ts',
      ],
      ...[
        'docs/a.md',
        'docs/b/a.md',
        'deep/x.txt',
        'q/deep/r/s/x.txt',
        'a/z.txt',
        'a/b/c/z.txt',
        'b/a/z.txt',
      ],
      ...['#hash.txt', '!bang.txt', 'trailing.txt', 'space ', 'space', 'a.bin', 'c.bin', 'cq.bin', 'dq.bin'],
      ...[
        'foo1bar2baz.txt',
        'foo/bar/baz.txt',
        'middle/dir',
        'x/middle/dir',
        'middle/dir2',
        'e.tmp',
        'E.TMP',
      ],
      ...['vendor/a.ts', 'vendor/theirs/a.ts', 'vendor/ours/a.ts', 'vendor/ours/b/c.ts'],
      ...['sub/a.log', 'sub/x/a.log', 'sub/local.txt', 'sub/x/local.txt', 'sub/nested/out', 'sub/build/a.ts'],
      ...[
        'sub/x/nested/out',
        'sub/only.txt',
        'sub/y/only.txt',
        'only.txt',
        'sub/deeper/a.js',
        'sub/deeper/a.ts',
      ],
      ...['sub/deeper/x/a.ts', 'odd [x]/gone.txt', 'odd [x]/a.log', 'odd x/gone.txt', 'odd [x]/s/gone.txt'],
    ];
    try {
      execFileSync('git', ['init', '-q', root]);
      execFileSync('git', ['-C', root, 'config', 'core.ignorecase', 'false']);
      execFileSync('git', ['-C', root, 'config', 'core.excludesFile', '/dev/null']);
      for (const path of [...Object.keys(ignoreFiles), ...paths.filter((name) => name !== 'middle/dir2')]) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        if (!paths.some((other) => other.startsWith(`${path}/`))) {
          writeFileSync(join(root, path), (ignoreFiles as Record<string, string>)[path] ?? '');
        }
      }
      const answer = spawnSync('git', ['-C', root, 'check-ignore', '--no-index', '-z', '--stdin'], {
        input: paths.join('\0'),
      });
      const ignored = new Set(answer.stdout.toString().split('\0'));
      const rules = new IgnoreRules();
      const [real] = foldersOf([pathToFileURL(root).href]);
      assert.ok(real);
      const ours = await Promise.all(paths.map((path) => rules.verdict({ folder: real, path })));
      assert.deepEqual(
        paths.filter((_, i) => ours[i] === 'gitignore'),
        paths.filter((path) => ignored.has(path)),
      );
      assert.ok(ignored.size > 20, `git ignores ${String(ignored.size)} of them`);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it('knows secrets by their names', async () => {
    const rules = rulesOf({});
    const secret = [
      ...[
        '.env',
        '.env.local',
        '.env.production',
        'x/.ENV',
        'prod.env',
        '.envrc',
        'id_rsa',
        'id_ed25519.pub',
      ],
      ...[
        'server.pem',
        'tls.KEY',
        'store.p12',
        'release.jks',
        '.npmrc',
        '.pypirc',
        '.netrc',
        '.git-credentials',
      ],
      ...[
        'credentials',
        'aws/credentials.json',
        'client_secret_12.apps.json',
        'service-account.json',
        'secrets.yml',
      ],
      ...[
        'config/master.key',
        '.ssh/config',
        '.aws/config',
        '.git/config',
        'x/.git/HEAD',
        'terraform.tfvars',
        'terraform.tfvars.json',
        'prod.env.local',
        'local.settings.json',
      ],
    ];
    assert.deepEqual(await left(rules, secret), []);
    const plain = [
      ...[
        'env.ts',
        'src/environment.ts',
        'keyboard.ts',
        'src/credentials.ts',
        'secretary.md',
        'src/secrets.ts',
      ],
      ...['package.json', 'keys.ts', 'tokens.css', '.gitignore', '.github/workflows/ci.yml'],
    ];
    assert.deepEqual(await left(rules, plain), plain);
  });

  it('takes in what a .niwakiignore takes in, and leaves out what it names', async () => {
    const rules = rulesOf(
      {
        '.gitignore': 'generated/\n*.snap\n',
        '.niwakiignore': '/private/\n*.sql\n!.env.example\n!generated/\n',
        'x/.niwakiignore': '!*.sql\n',
      },
      ['**/*.hidden'],
    );
    assert.equal(await rules.verdict({ folder, path: 'private/a.ts' }), 'niwakiignore');
    assert.equal(await rules.verdict({ folder, path: 'db/a.sql' }), 'niwakiignore');
    assert.equal(await rules.verdict({ folder, path: 'x/a.sql' }), undefined);
    assert.equal(await rules.verdict({ folder, path: '.env' }), 'secret');
    assert.equal(await rules.verdict({ folder, path: '.env.example' }), undefined);
    assert.equal(await rules.verdict({ folder, path: 'generated/api.ts' }), undefined);
    assert.equal(await rules.verdict({ folder, path: 'a.snap' }), 'gitignore');
    assert.equal(await rules.verdict({ folder, path: 'src/a.hidden' }), 'filesExclude');
  });

  it('reads globs as VS Code does', async () => {
    const rules = rulesOf({}, [
      '**/node_modules',
      '*.js',
      'out/**',
      '**/*.{min,bundle}.ts',
      'lib',
      '**/[ab].md',
    ]);
    const gone = [
      ...['node_modules/a/b.ts', 'x/node_modules/c.ts', 'top.js', 'out/x/y.ts', 'a.min.ts', 'x/b.bundle.ts'],
      ...['lib/x.ts', 'docs/a.md'],
    ];
    assert.deepEqual(await left(rules, gone), []);
    const kept = ['src/deep.js', 'x/lib/y.ts', 'a.ts', 'docs/c.md', 'outer/a.ts'];
    assert.deepEqual(await left(rules, kept), kept);
  });

  it('is not held up by a hostile pattern, and leaves out more rather than less', async () => {
    const hostile = ['*a'.repeat(60), '/**/a'.repeat(40), `!${'*b'.repeat(60)}`, 'x'.repeat(100_000)].join(
      '\n',
    );
    const rules = rulesOf({ '.gitignore': hostile }, [`{${'a,'.repeat(400)}}{${'b,'.repeat(400)}}`]);
    const started = performance.now();
    assert.equal(await rules.verdict({ folder, path: `${'a'.repeat(250)}.ts` }), 'gitignore');
    await rules.verdict({ folder, path: `${'c'.repeat(250)}/${'a'.repeat(250)}b/${'d'.repeat(200)}` });
    assert.equal(await rules.verdict({ folder, path: 'd'.repeat(2_000) }), 'filesExclude');
    assert.ok(performance.now() - started < 2_000);
  });

  it('hears of a change when the files are read again', async () => {
    const files: Record<string, string> = {};
    let now = 0;
    const rules = new IgnoreRules(
      ({ path }) => Promise.resolve(files[path]),
      () => now,
    );
    assert.equal(await rules.verdict({ folder, path: 'a.ts' }), undefined);
    files['.niwakiignore'] = 'a.ts';
    rules.renew();
    assert.equal(await rules.verdict({ folder, path: 'a.ts' }), undefined);
    now = 60_000;
    rules.renew();
    assert.equal(await rules.verdict({ folder, path: 'a.ts' }), 'niwakiignore');
  });
});

describe('workspace: reading from disk', () => {
  let root: string;
  const read = (path: string, most = 1_000): Promise<string | undefined> =>
    readInside(
      { folder: { uri: pathToFileURL(join(root, 'w')).href, root: join(root, 'w'), name: 'w' }, path },
      most,
    );

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-disk-'));
    mkdirSync(join(root, 'w', 'src'), { recursive: true });
    writeFileSync(join(root, 'outside.txt'), 'outside');
    writeFileSync(join(root, 'w', 'src', 'a.ts'), 'text\n');
    writeFileSync(join(root, 'w', '.env'), 'KEY=1');
    writeFileSync(join(root, 'w', 'binary'), Buffer.from([65, 0, 66]));
    writeFileSync(join(root, 'w', 'latin'), Buffer.from([65, 0xff, 66]));
    writeFileSync(join(root, 'w', 'large'), 'x'.repeat(1_001));
  });

  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('reads text, and nothing that is large, binary, or no file', async () => {
    assert.equal(await read('src/a.ts'), 'text\n');
    for (const path of ['binary', 'latin', 'large', 'src', 'missing']) {
      assert.equal(await read(path), undefined, path);
    }
  });

  it('leaves out all that rules stand for which are there and cannot be read', async () => {
    const folder = { uri: pathToFileURL(join(root, 'w')).href, root: join(root, 'w'), name: 'w' };
    const verdict = (path: string): Promise<unknown> => new IgnoreRules().verdict({ folder, path });
    const write = (path: string, content: string | Buffer): void => {
      mkdirSync(dirname(join(folder.root, path)), { recursive: true });
      writeFileSync(join(folder.root, path), content);
    };
    assert.equal(await readRulesInside({ folder, path: 'missing/.gitignore' }, 1_000), undefined);
    assert.equal(
      await readRulesInside({ folder, path: 'large/.gitignore' }, 1_000),
      undefined,
      'below a file',
    );
    await assert.rejects(readRulesInside({ folder, path: 'large' }, 1_000), /larger than 1000 bytes/);

    write('latin1/.gitignore', Buffer.from('# caf\xe9\nprivate.ts\n', 'latin1'));
    write('latin1/.niwakiignore', Buffer.from('# caf\xe9\nhidden.ts\n', 'latin1'));
    assert.equal(await verdict('latin1/private.ts'), 'gitignore');
    assert.equal(await verdict('latin1/hidden.ts'), 'niwakiignore');
    assert.equal(await verdict('latin1/a.ts'), undefined);

    write('huge/.niwakiignore', `${'# much\n'.repeat(50_000)}hidden.ts\n`);
    assert.equal(await verdict('huge/hidden.ts'), 'niwakiignore');
    mkdirSync(join(folder.root, 'folder', '.gitignore'), { recursive: true });
    assert.equal(await verdict('folder/deep/a.ts'), 'gitignore');
    write('many/.gitignore', `${'x\n'.repeat(5_000)}hidden.ts\n`);
    assert.equal(await verdict('many/hidden.ts'), 'gitignore');
    write('long/.gitignore', `${'a/'.repeat(300)}b.ts\n`);
    assert.equal(await verdict(`long/${'a/'.repeat(300)}b.ts`), 'gitignore');
    assert.equal(await verdict('src/a.ts'), undefined, 'elsewhere all is as before');
  });

  it('follows no link: neither out of the folder, nor to a file under another name', async function () {
    if (process.platform === 'win32') {
      this.skip(); // links need rights there
    }
    const { symlinkSync } = await import('node:fs');
    symlinkSync(join(root, 'outside.txt'), join(root, 'w', 'out.txt'));
    symlinkSync(join(root, 'w', '.env'), join(root, 'w', 'harmless.txt'));
    symlinkSync(root, join(root, 'w', 'up'));
    symlinkSync(join(root, 'w', 'src'), join(root, 'w', 'inner'));
    execFileSync('mkfifo', [join(root, 'w', 'pipe')]);
    for (const path of ['out.txt', 'harmless.txt', 'up/outside.txt', 'inner/a.ts', 'pipe']) {
      assert.equal(await read(path), undefined, path);
    }
  });
});
