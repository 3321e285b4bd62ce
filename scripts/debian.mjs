/** Debian's packages, installed where nobody has to be asked: as root, where there is apt. Imports nothing but Node. */
import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** What each of the long suites needs besides what `npm test` does; one call installs them all sooner than one each. */
export const toolPackages = {
  mingw: ['g++-mingw-w64-x86-64-posix'],
  arm: ['g++-aarch64-linux-gnu', 'qemu-user-static'],
  fuzz: ['clang-19', 'libclang-rt-19-dev'],
  bullseye: ['debootstrap', 'debian-archive-keyring'],
};

/** Another apt may be at work: the one of another suite, or the system's own. */
const lockSeconds = 300;

export const canInstall = () =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;

/** Runs apt-get; resolves with its status and what it said. */
function apt(args) {
  const options = [
    ...['-o', `DPkg::Lock::Timeout=${lockSeconds}`],
    // After a crash the packages are only installed anew: waiting for the disk after each file takes most of the time.
    ...['-o', 'Dpkg::Options::=--force-unsafe-io'],
  ];
  return new Promise((resolve) => {
    const child = spawn('apt-get', [...options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    }
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** `apt-get update` does not wait for the lists' lock itself. */
async function update() {
  const end = Date.now() + lockSeconds * 1000;
  for (;;) {
    const result = await apt(['update']);
    if (result.ok || !/Could not get lock/.test(result.output) || Date.now() > end) {
      return result;
    }
    await sleep(1000);
  }
}

/**
 * Installs packages; the lists are fetched only where those that are there do not lead to them. Resolves with undefined, or with what
 * apt said when it failed; who calls looks whether what is needed is there.
 * @param {string[]} packages
 */
export async function installDebian(packages) {
  const install = () => apt(['install', '-y', '--no-install-recommends', ...packages]);
  if ((await install()).ok) {
    return undefined;
  }
  await update();
  const result = await install();
  return result.ok ? undefined : result.output;
}
