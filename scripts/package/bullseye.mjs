#!/usr/bin/env node
/**
 * A Debian 11 ("bullseye") in a folder: what releases for Linux are compiled in, with its GCC 10 and glibc 2.31, and what tests run a
 * release in (docs/adr/0013-releases-for-linux.md). debootstrap makes it once, some 400 MB of packages, from the Debian mirror that this
 * machine's apt uses.
 *
 *   node scripts/package/bullseye.mjs            makes it where it is missing (as root)
 *
 * NIWAKI_BULLSEYE=FOLDER         where it lies; left out, .niwaki/bullseye
 * NIWAKI_DEBIAN_MIRROR=URL       where packages come from; left out, what apt uses
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runMain, SetupError } from '../setup.mjs';
import { canInstall, installDebian, toolPackages } from '../debian.mjs';
import { withLock } from '../vscode/setup.mjs';

/** The compilers of the two processors, by this machine's: one is its own, the other crosses. */
const compilers = {
  x64: { x64: 'g++-10', arm64: 'aarch64-linux-gnu-g++-10' },
  arm64: { x64: 'x86_64-linux-gnu-g++-10', arm64: 'g++-10' },
};
const packages = {
  x64: ['g++-10', 'g++-10-aarch64-linux-gnu', 'cmake', 'ninja-build'],
  arm64: ['g++-10', 'g++-10-x86-64-linux-gnu', 'cmake', 'ninja-build'],
};
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const byHand = 'As root on Debian or Ubuntu: node scripts/package/bullseye.mjs';

/** The folder of the system; not necessarily there. */
export function bullseyePath() {
  return process.env.NIWAKI_BULLSEYE ?? join(root, '.niwaki', 'bullseye');
}

/** The name of the compiler in it for a processor, "x64" or "arm64". */
export function compilerFor(arch) {
  const name = compilers[process.arch]?.[arch];
  if (name === undefined) {
    throw new SetupError(`Releases for ${arch} cannot be compiled on ${process.platform}-${process.arch}.`);
  }
  return name;
}

/** Changes whenever what lies in the folder does. */
const stamp = () => JSON.stringify({ layout: 1, packages: packages[process.arch] });

function isComplete(path) {
  const at = join(path, 'niwaki-stamp.json');
  return existsSync(at) && readFileSync(at, 'utf8') === stamp();
}

const output = (program, args) => spawnSync(program, args, { encoding: 'utf8' });
const isRoot = () => process.getuid?.() === 0;

/** The mirror that apt takes Debian's packages from; undefined where it takes none. */
function aptMirror() {
  const list = output('apt-get', [
    'indextargets',
    ...['--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)', 'Created-By: Packages'],
  ]);
  const lines = (list.stdout ?? '').split('\n').map((line) => line.split('|'));
  return lines.find(([origin, label]) => origin === 'Debian' && label === 'Debian')?.[2];
}

async function ensureDebootstrap() {
  const there = () => output('debootstrap', ['--version']).status === 0 && existsSync(keyring);
  if (!there() && canInstall()) {
    await installDebian(toolPackages.bullseye);
  }
  if (!there()) {
    throw new SetupError(
      'debootstrap and debian-archive-keyring are needed to make a Debian 11 for releases. On Debian or Ubuntu: ' +
        'sudo apt-get install debootstrap debian-archive-keyring',
    );
  }
}

async function install(path, report) {
  await ensureDebootstrap();
  const mirror = process.env.NIWAKI_DEBIAN_MIRROR ?? aptMirror();
  if (mirror === undefined) {
    throw new SetupError(
      'Releases for Linux are compiled in a Debian 11, and apt on this machine names no Debian mirror to get it from. ' +
        'Set NIWAKI_DEBIAN_MIRROR to the address of one.',
    );
  }
  // Put together beside the final place and renamed at the end: what was interrupted is never taken for whole. debootstrap's mounts
  // live in a namespace of their own and end with it.
  const staging = `${path}.incomplete`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(dirname(staging), { recursive: true });
  report('Fetching a Debian 11 to compile and try releases in (once, some minutes) …');
  const result = output('env', [
    'DPKG_FORCE=unsafe-io', // what is not whole is dropped: no need to wait for the disk after each file
    ...[
      'unshare',
      '--mount',
      '--',
      'debootstrap',
      '--variant=minbase',
      '--force-check-gpg',
      `--keyring=${keyring}`,
    ],
    ...[`--include=${packages[process.arch].join(',')}`, 'bullseye', staging, mirror],
  ]);
  if (result.status !== 0) {
    const why = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.slice(-2000);
    throw new SetupError(
      `A Debian 11 could not be made from ${mirror}:\n${why}\n` +
        'Is the mirror reachable, and does it still carry bullseye? Set NIWAKI_DEBIAN_MIRROR to one that does.',
    );
  }
  rmSync(join(staging, 'var', 'cache', 'apt', 'archives'), { recursive: true, force: true });
  for (const folder of ['niwaki/native', 'niwaki/include', 'niwaki/addon-api', 'build', 'work']) {
    mkdirSync(join(staging, folder), { recursive: true }); // where runInBullseye shows folders of the outside
  }
  writeFileSync(join(staging, 'niwaki-stamp.json'), stamp());
  rmSync(path, { recursive: true, force: true });
  renameSync(staging, path);
}

/** Makes the system where it is missing; returns its folder. */
export async function ensureBullseye({ report = console.log } = {}) {
  const path = bullseyePath();
  if (process.platform !== 'linux' || !(process.arch in packages)) {
    throw new SetupError(
      `Releases for Linux are compiled on Linux, x64 or arm64; this is ${process.platform}-${process.arch}.`,
    );
  }
  if (!isComplete(path)) {
    if (!isRoot()) {
      throw new SetupError(
        `Releases for Linux are compiled in a Debian 11, and there is none in ${path}. ${byHand}`,
      );
    }
    await withLock(`${path}.lock`, async () => {
      if (!isComplete(path)) {
        await install(path, report);
      }
    });
  }
  return path;
}

/** Quotes a word for a shell. */
const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * The command line that runs a shell script inside the system: in namespaces of its own, so that nothing stays mounted and no process
 * is left behind, and without any network, loopback included unless the script brings it up.
 * @param {string} script             for /bin/sh
 * @param {{ binds?: { from: string, to: string, writable?: boolean }[], devices?: boolean, network?: boolean }} [options]
 *        `to` is a folder of the system, which is made. `devices`: with /proc, /dev and a /tmp of its own. `network`: that of the caller
 * @returns {[string, ...string[]]}
 */
export function bullseyeCommand(script, { binds = [], devices = false, network = false } = {}) {
  const path = bullseyePath();
  const steps = ['set -e'];
  if (devices) {
    steps.push(`mount -t tmpfs tmpfs ${quote(join(path, 'tmp'))}`);
  }
  for (const { from, to, writable = false } of binds) {
    const at = join(path, to);
    steps.push(`mkdir -p ${quote(at)}`); // in the mounted /tmp, where it is to be there
    steps.push(`mount --bind ${quote(realpathSync(from))} ${quote(at)}`);
    if (!writable) {
      steps.push(`mount -o remount,bind,ro ${quote(at)}`);
    }
  }
  if (devices) {
    steps.push(`mount -t proc proc ${quote(join(path, 'proc'))}`);
    steps.push(`mount --rbind /dev ${quote(join(path, 'dev'))}`);
  }
  steps.push(`exec chroot ${quote(path)} /bin/sh -c ${quote(script)}`);
  const asUser = isRoot() ? [] : ['--map-root-user'];
  return [
    'unshare',
    ...asUser,
    ...(network ? [] : ['--net']),
    ...['--mount', '--pid', '--fork', '--kill-child', '--', '/bin/sh', '-c', steps.join('\n')],
  ];
}

/** What programs inside get to see of the environment. */
export const bullseyeEnvironment = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C.UTF-8',
  HOME: '/tmp',
};

/** Runs a script inside and gives back its output; a SetupError when it fails. */
export function runInBullseye(what, script, { env = {}, ...options } = {}) {
  const [program, ...args] = bullseyeCommand(script, options);
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...bullseyeEnvironment, ...env },
  });
  if (result.status !== 0) {
    const text = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
    throw new SetupError(`${what} failed inside Debian 11:\n${text.slice(-8000)}`);
  }
  return result.stdout;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runMain(async () => console.log(await ensureBullseye()));
}
