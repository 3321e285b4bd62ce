/** The packages that the tests look into. scripts/test-package.mjs makes them and says where they lie. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const folder = process.env.NIWAKI_PACKAGES;
if (folder === undefined) {
  throw new Error('NIWAKI_PACKAGES names no folder with packages. Run "npm run test:package".');
}

/** A command's output; throws when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.status !== 0) {
    throw new Error(`${program} failed: ${result.stdout}${result.stderr}${result.error ?? ''}`);
  }
  return result.stdout;
}

/** The targets whose packages were made. */
export const packagedTargets = readdirSync(folder)
  .map((name) => /^niwaki-(linux-\w+)\.vsix$/.exec(name)?.[1])
  .filter((target) => target !== undefined);

export const packagePath = (target) => join(folder, `niwaki-${target}.vsix`);

const unpacked = new Map();

/** A folder with the contents of a target's package. */
export function unpack(target) {
  if (!unpacked.has(target)) {
    const to = mkdtempSync(join(tmpdir(), 'niwaki-package-'));
    process.on('exit', () => rmSync(to, { recursive: true, force: true }));
    run('unzip', ['-q', packagePath(target), '-d', to]);
    unpacked.set(target, to);
  }
  return unpacked.get(target);
}

/** The extension's folder in it. */
export const extensionOf = (target) => join(unpack(target), 'extension');

/** Names of all files below a folder. */
export function filesIn(top, path = top) {
  return readdirSync(path)
    .flatMap((name) => {
      const at = join(path, name);
      return statSync(at).isDirectory() ? filesIn(top, at) : [relative(top, at)];
    })
    .sort();
}

/** What an addon asks of its system, by binutils: versions of libraries' symbols, its own symbols, libraries, sections. */
export function readAddon(path) {
  const symbols = run('readelf', ['--dyn-syms', '--wide', path]).split('\n');
  const named = symbols
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => /^\d+:$/.test(fields[0]) && fields.length >= 8)
    .map(([, , , type, , , section, name]) => ({ type, section, name }));
  return {
    versions: [
      ...new Set(
        [...run('readelf', ['--version-info', '--wide', path]).matchAll(/Name: (\S+)/g)].map((m) => m[1]),
      ),
    ],
    defined: named
      .filter(({ section, type }) => section !== 'UND' && type !== 'SECTION')
      .map(({ name }) => name.split('@')[0]),
    needed: [...run('readelf', ['--dynamic', '--wide', path]).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(
      (m) => m[1],
    ),
    sections: [
      ...run('readelf', ['--section-headers', '--wide', path]).matchAll(/^\s*\[\s*\d+\] (\S+)/gm),
    ].map((m) => m[1]),
  };
}

/** Above zero when the version `a` ("2.28") is later than `b`. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = left.findIndex((number, i) => number !== (right[i] ?? 0));
  return at < 0 ? left.length - right.length : left[at] - (right[at] ?? 0);
}

/** Which of the versions are later than the C library that we promise, or of a C++ library, which is to be inside. */
export function versionFaults(versions, floor) {
  return versions.filter((version) => {
    const glibc = /^GLIBC_([\d.]+)$/.exec(version)?.[1];
    return glibc === undefined || compareVersions(glibc, floor) > 0;
  });
}
