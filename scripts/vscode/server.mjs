/**
 * Starts a VS Code server on this machine's loopback interface. Tests show it in Chromium (browser.mjs), `npm start` in the
 * user's own browser. It asks nothing of the network and leaves nothing behind.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { npmEnvironment, ensureVsCodeStack } from './stack.mjs';

/** Settings that keep VS Code quiet and offline. They say nothing about how the editor itself behaves. */
export const quietSettings = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true, // VS Code's own assistant would write ghost text of its own
  'git.enabled': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'npm.fetchOnlinePackageInfo': false,
  'json.schemaDownload.enable': false,
  'files.simpleDialog.enable': true, // dialogs inside the page, where a test can see them
  'window.dialogStyle': 'custom',
};

/**
 * Besides, where nobody looks: without a graphics card every frame is drawn by the processor that the tests need, and a caret that blinks is
 * two frames a second.
 */
export const stillSettings = { 'editor.cursorBlinking': 'solid', 'workbench.reduceMotion': 'on' };

const startMs = 60_000;
const endMs = 5_000;

/**
 * What a VS Code must not inherit: npm's configuration, and what another VS Code leaves in its terminals and debug sessions,
 * which would make this one attach to that one.
 */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(npmEnvironment()).filter(
      ([name]) => !/^(VSCODE_|ELECTRON_|npm_)/i.test(name) && name !== 'NODE_OPTIONS',
    ),
  );
}

/** Sends a signal to a whole process group; false when nobody is left in it. */
function signalGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits until nobody is left in the group; false when somebody still is after `ms`. */
async function groupEnded(leader, ms) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    if (!signalGroup(leader, 0)) {
      return true;
    }
  }
  return false;
}

/**
 * A shell that waits for this process to end, in whatever way (its standard input closes then), and clears up after it. It
 * and VS Code have process groups of their own, so that a Ctrl+C meant for us does not reach them half-way.
 */
function startGuard(leader, folder) {
  const script = 'cat > /dev/null; kill -s KILL -- "-$1" 2> /dev/null; sleep 0.3; rm -rf -- "$2"';
  const guard = spawn('/bin/sh', ['-c', script, 'niwaki-guard', String(leader), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  guard.stdin.unref?.();
  guard.stdin.on('error', () => {}); // the guard may be gone first
  return () => signalGroup(guard.pid, 'SIGKILL');
}

/**
 * The address that opens a folder: a path, the URI of a virtual one, or a .code-workspace file. Extensions under development and
 * test suites are named in the page's payload, which a VS Code that was built for release heeds only with
 * --enable-smoke-test-driver. Its authority has to be the page's own.
 * @param {{ port: number, token: string, folder: string, extensionDevelopmentPath?: string, extensionTestsPath?: string,
 *           extensionEnvironment?: Record<string, string>, payload?: [string, string][] }} options
 */
export function workbenchUrl(options) {
  const { port, token, folder, extensionDevelopmentPath, extensionTestsPath, extensionEnvironment } = options;
  const payload = [['skipWelcome', 'true'], ['skipReleaseNotes', 'true'], ...(options.payload ?? [])];
  if (extensionDevelopmentPath !== undefined) {
    // The page takes one; whoever needs more has them installed (startVsCode's `extensions`).
    payload.push(['extensionDevelopmentPath', remoteUri(port, extensionDevelopmentPath)]);
  }
  if (extensionTestsPath !== undefined) {
    payload.push(['extensionTestsPath', remoteUri(port, extensionTestsPath)]);
  }
  if (extensionEnvironment !== undefined) {
    payload.push(['extensionEnvironment', JSON.stringify(extensionEnvironment)]);
  }
  const opened = folder.endsWith('.code-workspace') ? { workspace: folder } : { folder };
  const query = new URLSearchParams({ tkn: token, ...opened, payload: JSON.stringify(payload) });
  return `http://127.0.0.1:${port}/?${query}`;
}

function remoteUri(port, path) {
  return `vscode-remote://127.0.0.1:${port}${path}`;
}

/**
 * @param {object} options
 * @param {string} options.workspace            the folder that `url` opens
 * @param {Record<string, unknown>} [options.settings]  user settings besides the quiet ones
 * @param {Record<string, unknown>} [options.machineSettings]  settings of the scope "machine", which user settings cannot give
 * @param {boolean} [options.workspaceTrust]    folders are restricted until the user trusts them; left out, all are trusted
 * @param {string} [options.extensionsDir]      installed extensions; left out, there are none besides VS Code's own
 * @param {string[]} [options.extensions]       folders of extensions to install besides
 * @param {string[]} [options.packages]         .vsix files to install, in VS Code's own way
 * @param {(command: string[], folders: { temporary: string, workspace: string }) => string[]} [options.wrap]  how VS Code is
 *                                              started, where that is not directly: the command line to run instead. VS Code
 *                                              has to reach the folders and may write to them
 * @param {number} [options.port]               left out, any free one
 * @param {string} [options.serverDataDir]      kept, with the settings that it has; left out, a temporary one
 * @param {Record<string, string>} [options.env] added to the environment of the server and of the extension host
 */
export async function startVsCode({
  workspace,
  settings = {},
  machineSettings = {},
  workspaceTrust = false,
  extensionsDir,
  extensions = [],
  packages = [],
  wrap = (command) => command,
  port = 0,
  serverDataDir,
  env = {},
}) {
  const stack = await ensureVsCodeStack();
  // Everything temporary lies in here; VS Code's sockets too, so the path has to stay short.
  const temporary = mkdtempSync(join(tmpdir(), 'niwaki-vscode-'));
  const dataDir = serverDataDir ?? join(temporary, 'server');
  // The server keeps the user's settings on its own disk. They have to lie there before the page is first loaded.
  for (const [name, values] of [
    ['User', { ...quietSettings, ...settings }],
    ['Machine', machineSettings],
  ]) {
    const settingsPath = join(dataDir, 'data', name, 'settings.json');
    if (!existsSync(settingsPath)) {
      mkdirSync(dirname(settingsPath), { recursive: true });
      writeFileSync(settingsPath, `${JSON.stringify(values, null, 2)}\n`);
    }
  }
  const installed = extensionsDir ?? join(temporary, 'extensions');
  for (const folder of extensions) {
    const { publisher, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    cpSync(folder, join(installed, `${publisher}.${name}-${version}`), { recursive: true });
  }
  // Whoever can reach the port can run commands as this user; other users of the machine can reach it, so there is a token.
  const token = randomBytes(16).toString('hex');
  const tokenPath = join(temporary, 'token');
  writeFileSync(tokenPath, token, { mode: 0o600 });

  const args = [
    stack.serverMain,
    ...['--host', '127.0.0.1', '--port', String(port), '--connection-token-file', tokenPath],
    ...['--accept-server-license-terms', '--telemetry-level', 'off'],
    ...['--disable-experiments', '--enable-smoke-test-driver'],
    ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...['--server-data-dir', dataDir, '--extensions-dir', installed],
    ...['--reconnection-grace-time', '300'], // by default the extension host of a closed page lives on for three hours
  ];
  // An empty gallery: otherwise the page asks a marketplace about extensions.
  const environment = { ...cleanEnvironment(), TMPDIR: temporary, EXTENSIONS_GALLERY: '{}', ...env };
  const started = (commandLine) => wrap([stack.node, ...commandLine], { temporary, workspace });
  for (const file of packages) {
    const copy = join(temporary, basename(file));
    cpSync(file, copy);
    const [installer, ...rest] = started([
      stack.serverMain,
      ...['--install-extension', copy, '--extensions-dir', installed, '--server-data-dir', dataDir],
    ]);
    const result = spawnSync(installer, rest, { encoding: 'utf8', env: environment });
    if (result.status !== 0) {
      rmSync(temporary, { recursive: true, force: true });
      throw new Error(
        `VS Code could not install ${file}:\n${result.stdout}${result.stderr}${result.error ?? ''}`,
      );
    }
  }
  const [program, ...programArgs] = started(args);
  const child = spawn(program, programArgs, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own: stopping it reaches extension hosts and language servers too
    env: environment,
  });
  let log = '';
  child.stdout.on('data', (data) => (log += data));
  child.stderr.on('data', (data) => (log += data));
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  const dismissGuard = startGuard(child.pid, temporary);

  let stopping;
  const stop = () => {
    stopping ??= (async () => {
      signalGroup(child.pid, 'SIGTERM');
      if (!(await groupEnded(child.pid, endMs))) {
        signalGroup(child.pid, 'SIGKILL');
        await groupEnded(child.pid, endMs);
      }
      dismissGuard();
      rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
    })();
    return stopping;
  };

  let listening;
  for (const end = Date.now() + startMs; listening === undefined; await sleep(20)) {
    listening = /Extension host agent listening on (\d+)/.exec(log)?.[1];
    if (listening === undefined && (hasExited || Date.now() > end)) {
      await stop();
      throw new Error(`The VS Code server did not start:\n${log.slice(-4000)}`);
    }
  }
  const boundPort = Number(listening);
  return {
    url: workbenchUrl({ port: boundPort, token, folder: workspace }),
    port: boundPort,
    token,
    workspace,
    /** A folder that goes away with the server. */
    temporary,
    pid: child.pid,
    /** Resolves with how the server ended, once it did. */
    exited,
    stop,
    log: () => log,
    remote: (path) => remoteUri(boundPort, path),
  };
}
