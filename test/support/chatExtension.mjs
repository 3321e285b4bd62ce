/** A copy of the built extension whose language server is a scripted one (chatServer/), or the real one with a scripted engine (scriptedServer.ts). */
import { build } from 'esbuild';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The extension without its server; `more`: what else of dist/ is in it. */
function copyExtension(path, more) {
  mkdirSync(join(path, 'dist'), { recursive: true });
  for (const name of ['package.json', 'package.nls.json', 'media', join('client', 'l10n')]) {
    cpSync(join(root, name), join(path, name), { recursive: true });
  }
  for (const name of readdirSync(join(root, 'dist'))) {
    if (
      name === 'chat' ||
      more.includes(name) ||
      (name.endsWith('.js') && name !== 'server.js' && name !== 'cli.js')
    ) {
      cpSync(join(root, 'dist', name), join(path, 'dist', name), { recursive: true });
    }
  }
}

async function buildServer(path, entry) {
  await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'test', 'support', ...entry)],
    outfile: join(path, 'dist', 'server.js'),
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', logLevel: 'error' },
  });
}

/** A file with a script, and how to change it. */
function scriptIn(folder, script) {
  const file = join(folder, 'script.json');
  const say = (lines) => writeFileSync(file, JSON.stringify(lines));
  say(script);
  return { file, say };
}

/** Makes it in a folder; `script` is what the server says at first. Returns { path, env, say }: say(script) changes what it says. */
export async function makeChatExtension(folder, script) {
  const path = join(folder, 'extension');
  copyExtension(path, []);
  await buildServer(path, ['chatServer', 'server.ts']);
  const { file, say } = scriptIn(folder, script);
  return { path, env: { NIWAKI_CHAT_SCRIPT: file }, say };
}

/** The same with the real server; `script` is what its engine says. Any model that the settings name is one that talks. */
export async function makeScriptedExtension(folder, script) {
  const path = join(folder, 'extension');
  copyExtension(path, ['native', 'syntax']);
  await buildServer(path, ['scriptedServer.ts']);
  const { file, say } = scriptIn(folder, script);
  return { path, env: { NIWAKI_SCRIPT: file }, say };
}
