/**
 * Paths of new files that would do harm, and some that would not, in a workspace that is laid out against us: links out of it, names that differ
 * in case alone, folders where files should be. What is accepted is written as an editor would write it; then all that must be untouched is
 * compared with what it was.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const refused = (kind, ...paths) => paths.map((path) => ({ kind, path, allowed: false }));
const allowed = (kind, ...paths) => paths.map((path) => ({ kind, path, allowed: true }));

/** { kind, path, allowed }: `allowed` = a file may be made there. */
export const hostilePaths = [
  ...refused(
    'traversal',
    '../outside.ts',
    '..',
    '../',
    'src/../../outside.ts',
    'src/../math.ts',
    './../outside.ts',
    'src/./a.ts',
    '....//outside.ts',
    'src/.. /outside.ts',
    'src/…/a.ts/..',
    '\u2025/outside.ts',
    '\uff0e\uff0e/outside.ts',
    '\uff0e\uff0e\uff0foutside.ts',
    'src/\u2024\u2024/outside.ts',
  ),
  ...refused(
    'absolute',
    '/tmp/outside.ts',
    '//server/share/a.ts',
    '\\\\server\\share\\a.ts',
    '\\\\?\\C:\\a.ts',
    '\\\\.\\PhysicalDrive0',
    'C:\\a.ts',
    'c:/a.ts',
    'C:a.ts',
    'C:',
    '~/a.ts',
    '~\\a.ts',
    '~',
    'file:///tmp/outside.ts',
    'vscode-userdata:/User/settings.json',
    'src\\a.ts',
    'src\\..\\..\\outside.ts',
  ),
  ...refused(
    'unseen characters',
    'src/a\0.ts',
    'src/a.ts\0.png',
    'src/a\nb.ts',
    'src/a\rb.ts',
    'src/a\tb.ts',
    'src/\u001b[2Ja.ts',
    'src/a\u007f.ts',
    'src/a\u0085b.ts',
    'src/a\u2028b.ts',
    'src/\u202egpj.ts',
    'src/a\u200bb.ts',
    'src/a\ufeffb.ts',
    'src/a\u00adb.ts',
    'src/\ud800.ts',
    'src/a\ue000.ts',
  ),
  ...refused(
    'devices',
    ...['CON', 'con', 'nul.txt', 'src/aux', 'src/Aux.ts', 'prn.js', 'com1', 'COM9.log', 'lpt1.md', 'com0.ts'],
    ...[
      'src/nul/a.ts',
      'con .txt',
      'CONIN$',
      'conout$.ts',
      'clock$',
      'com¹.ts',
      'LPT².ts',
      'con.tar.gz',
      'ｃｏｎ.ts',
    ],
  ),
  ...refused(
    'reserved names',
    ...['src/a.ts.', 'src/a.', 'src./a.ts', 'src/a.ts ::$DATA', 'src/a.ts:stream', 'src/a.ts::$DATA', 'a:b'],
    ...[
      'src/a?.ts',
      'src/a*.ts',
      'src/<a>.ts',
      'src/a|b.ts',
      'src/"a".ts',
      'src/ a.ts',
      'src /a.ts',
      'src/a .ts/ ',
    ],
    ...['-rf', 'src/--help', 'PROGRA~1/a.ts', 'GIT~1/config', 'src/MATH~1.TS', 'src/a／b.ts', 'src/a：b.ts'],
  ),
  ...refused(
    'no file',
    ...['', ' ', '.', './', '/', 'src', 'src/', 'src//a.ts', 'src/math.ts/a.ts', 'docs', 'pipe', 'broken'],
  ),
  ...refused(
    'case and ways of writing',
    ...[
      'SRC/a.ts',
      'Src/new.ts',
      'src/Math.ts',
      'README.MD',
      'src/o\u0308l.ts',
      'src/\u00f6l.ts',
      'src/CAFÉ.ts',
      'src/STRASSE.ts',
    ],
  ),
  ...refused(
    'links',
    ...[
      'way-out/a.ts',
      'way-out/sub/a.ts',
      'dangling/a.ts',
      'dangling',
      'link.ts',
      'out.ts',
      'to-git/config',
    ],
    ...['to-git/hooks/pre-commit', 'loop/a.ts', 'src/up/a.ts', 'to-private/a.ts'],
    ...['inner-link/kept/a.ts', 'inner-link/kept/deep/a.ts'],
  ),
  ...refused(
    'what runs by itself',
    ...[
      '.git/config',
      '.git/hooks/pre-commit',
      '.GIT/config',
      '.Git/hooks/x',
      'src/.git/config',
      '.git',
      '.hg/hgrc',
    ],
    ...[
      '.vscode/tasks.json',
      '.vscode/settings.json',
      '.VSCode/launch.json',
      'src/.vscode/tasks.json',
      '.svn/x',
    ],
    ...[
      '.idea/runConfigurations/a.xml',
      '.husky/pre-commit',
      '.devcontainer/devcontainer.json',
      '.devcontainer.json',
    ],
    ...['.claude/settings.json', '.cursor/mcp.json', '.zed/tasks.json', '.vs/tasks.vs.json', '.githooks/a'],
    ...['.mcp.json', '.pnpmfile.cjs', 'sub/.yarnrc.yml'],
    ...['a.code-workspace', '.ｇｉｔ/config', '.gi\u200ct/config', '.niwakiignore'],
  ),
  ...refused(
    'kept from models',
    ...[
      '.env',
      '.env.local',
      'src/.env',
      'id_rsa',
      'server.pem',
      '.npmrc',
      'private/a.ts',
      '.ssh/config',
      'secrets.json',
    ],
  ),
  ...refused(
    'too long',
    `src/${'a'.repeat(130)}.ts`,
    `${'a/'.repeat(17)}b.ts`,
    `src/${'é'.repeat(119)}.${'ü'.repeat(119)}`,
    'a'.repeat(10_000),
  ),
  ...allowed(
    'good',
    ...[
      'src/new.ts',
      './src/other.ts',
      'new/folder/of/files/a.test.ts',
      'a.ts',
      '.gitignore',
      '.github/workflows/ci.yml',
    ],
    ...[
      'src/app/[id]/page.tsx',
      'src/(group)/layout.tsx',
      'Makefile',
      'src/naïve.ts',
      'docs-new/読む.md',
      'inner-link/a.ts',
      'src/deep/a.txt',
    ],
    ...[
      'src/console.ts',
      'src/context.ts',
      'nullable.ts',
      'src/a b.ts',
      'lib/..hidden.ts',
      'src/math.ts',
      'com10.ts',
      'src/cafe\u0301.ts',
    ],
    ...['packages/@scope/name/index.ts', 'v1.2.3.md', '.editorconfig', '.env.example'],
  ),
];

/** Plans whose paths are good one by one, and not together; `allowed`: how many of them are. */
export const hostilePlans = [
  { kind: 'twice', paths: ['lib/a.ts', 'lib/a.ts'], allowed: 1 },
  { kind: 'twice by case', paths: ['lib/a.ts', 'lib/A.ts'], allowed: 1 },
  { kind: 'folders by case', paths: ['lib/a.ts', 'Lib/b.ts'], allowed: 1 },
  { kind: 'twice by a link', paths: ['src/b.ts', 'inner-link/b.ts'], allowed: 1 },
  { kind: 'twice by a way of writing', paths: ['lib/\u00e9.ts', 'lib/e\u0301.ts'], allowed: 1 },
  { kind: 'a file and a folder', paths: ['lib/a', 'lib/a/b.ts'], allowed: 1 },
  { kind: 'a folder and a file', paths: ['lib/a/b.ts', 'lib/a'], allowed: 1 },
  { kind: 'too many', paths: Array.from({ length: 60 }, (_, i) => `lib/n${i}.ts`), allowed: 20 },
];

function makeWorkspace(folder) {
  const outside = join(folder, 'outside');
  const root = join(folder, 'workspace');
  for (const path of ['sub']) {
    mkdirSync(join(outside, path), { recursive: true });
  }
  writeFileSync(join(outside, 'a.ts'), 'not yours\n');
  const files = {
    'src/math.ts': 'export const two = 2;\n',
    'src/café.ts': '\n',
    'src/o\u0308l.ts': '\n', // in two characters, as macOS once wrote names
    'src/straße.ts': '\n',
    'README.md': '# read\n',
    'docs/x.md': '\n',
    '.git/config': '[core]\n',
    '.git/hooks/x': '\n',
    'private/x.ts': '\n',
    '.niwakiignore': 'private/\nsrc/kept/\nsrc/*.txt\n!.env.example\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const link = (name, target) => symlinkSync(target, join(root, name));
  link('way-out', outside);
  link('dangling', join(folder, 'nowhere'));
  link('broken', 'loop');
  link('loop', 'loop');
  link('link.ts', join('src', 'math.ts'));
  link('out.ts', join(outside, 'a.ts'));
  link('to-git', '.git');
  link('to-private', 'private');
  link('inner-link', 'src');
  link(join('src', 'up'), join('..', '..'));
  if (process.platform !== 'win32') {
    symlinkSync('/dev/null', join(root, 'pipe')); // what is no plain file
  }
  return { root, outside };
}

/** Path → text of every file below a folder; links are not followed, and named as such. */
function snapshot(folder, below = folder, found = new Map()) {
  for (const entry of readdirSync(below, { withFileTypes: true })) {
    const path = join(below, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    if (entry.isDirectory()) {
      snapshot(folder, path, found);
    } else {
      found.set(name, entry.isFile() ? readFileSync(path, 'utf8') : 'no plain file');
    }
  }
  return found;
}

/** As an editor does it that believes what it was told: folders are made, and what is there is replaced only where that was said. */
function write(uri, exists) {
  const path = fileURLToPath(uri);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'new\n', { flag: exists ? 'w' : 'wx' });
}

/** What a write has changed that it must not: anything outside, anything that is not the one file that was named. */
function harmOf(before, after, root, written) {
  const harm = [];
  const names = new Set([...before.keys(), ...after.keys()]);
  for (const name of names) {
    if (before.get(name) !== after.get(name) && join(root, '..', name) !== written) {
      harm.push(name);
    }
  }
  return harm;
}

/**
 * Runs all cases, each in a workspace of its own. `check(paths, folderUris)` is what is tested: CheckedFile for each path. Returns
 * { cases, harm, wrong }: what did harm, and what was refused or accepted and should not have been; both empty when all is well.
 */
export async function runHostilePaths(check) {
  const harm = [];
  const wrong = [];
  let cases = 0;
  const inWorkspace = async (use) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'niwaki-hostile-')));
    try {
      await use(folder, makeWorkspace(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const attempt = async (paths, wanted, label) => {
    await inWorkspace(async (folder, { root }) => {
      cases += 1;
      const before = snapshot(folder);
      const found = await check(paths, [pathToFileURL(root).href]);
      const good = found.filter(({ problem }) => problem === '');
      if (found.length !== paths.length || good.length !== wanted) {
        const why = found.map(({ problem }) => problem).filter((problem) => problem !== '');
        wrong.push(`${label}: ${good.length} of ${wanted} accepted (${why.join(' ').slice(0, 200)})`);
      }
      if (found.some(({ problem }) => problem !== '' && !/[.!]$/.test(problem))) {
        wrong.push(`${label}: refused without a sentence`);
      }
      let last = before;
      for (const { uri, exists } of good) {
        try {
          write(uri, exists);
        } catch (error) {
          wrong.push(`${label}: accepted, and cannot be written (${error.code ?? error.message})`);
          continue;
        }
        const after = snapshot(folder);
        const target = realpathSync(fileURLToPath(uri));
        const inside = target.startsWith(root + sep) && !target.startsWith(join(root, '.git') + sep);
        harm.push(...(inside ? [] : [`${label}: wrote ${relative(folder, target)}`]));
        harm.push(...harmOf(last, after, root, target).map((name) => `${label}: changed ${name}`));
        harm.push(
          ...(!exists && last.has(relative(folder, target).split(sep).join('/'))
            ? [`${label}: replaced what was there`]
            : []),
        );
        last = after;
      }
    });
  };
  for (const { kind, path, allowed: may } of hostilePaths) {
    await attempt([path], may ? 1 : 0, `${kind} ${JSON.stringify(path.slice(0, 60))}`);
  }
  for (const { kind, paths, allowed: many } of hostilePlans) {
    await attempt(paths, many, kind);
  }
  // A folder that may not be written; whoever is root may write everywhere.
  if (process.platform !== 'win32' && process.getuid?.() !== 0) {
    await inWorkspace(async (folder, { root }) => {
      cases += 1;
      mkdirSync(join(root, 'locked'));
      chmodSync(join(root, 'locked'), 0o555);
      const [found] = await check(['locked/a.ts'], [pathToFileURL(root).href]);
      if (found?.problem === '') {
        wrong.push('read-only folder: accepted');
      }
      chmodSync(join(root, 'locked'), 0o755);
    });
  }
  await inWorkspace(async (folder, { root, outside }) => {
    // Several folders: paths begin with one's name, and lead to no other one by a link.
    cases += 1;
    const folders = [pathToFileURL(root).href, pathToFileURL(outside).href];
    const paths = [
      'workspace/src/a.ts',
      'outside/b.ts',
      'src/a.ts',
      'workspace/way-out/c.ts',
      'WORKSPACE/a.ts',
      'workspace',
    ];
    const found = await check(paths, folders);
    const good = found.map(({ problem }) => problem === '');
    if (JSON.stringify(good) !== JSON.stringify([true, true, false, false, false, false])) {
      wrong.push(`several folders: ${JSON.stringify(good)}`);
    }
    if (found[1]?.uri !== pathToFileURL(join(outside, 'b.ts')).href) {
      wrong.push(`several folders: ${found[1]?.uri}`);
    }
  });
  const [none] = await check(['a.ts'], []);
  cases += 1;
  if (none === undefined || none.problem === '') {
    wrong.push('no folder: accepted');
  }
  return { cases, harm, wrong };
}
