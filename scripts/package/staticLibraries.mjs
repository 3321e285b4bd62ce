/**
 * What the linker puts into a release for Linux from libraries of the system that it was compiled in: read from the linker's own list, so
 * that nothing gets in unnoticed. For the notices and the bill of materials.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup.mjs';
import { bullseyePath } from './bullseye.mjs';

const gccLicence = 'GPL-3.0-or-later WITH GCC-exception-3.1';
const glibcLicence = 'LGPL-2.1-or-later WITH GCC-exception-2.0';

/** By the names of files. `debian`: the package, with -arm64-cross where it is one for crossing. */
const known = [
  { files: /^libstdc\+\+\.a$/, name: 'libstdc++', debian: 'libstdc++-10-dev', licence: gccLicence },
  {
    files: /^(libgcc(_eh)?\.a|crt(begin|end)S\.o)$/,
    name: 'libgcc',
    debian: 'libgcc-10-dev',
    licence: gccLicence,
  },
  {
    // What start files and this little archive contain may be linked into anything: their sources say so.
    files: /^(libc_nonshared\.a|crt[in]\.o)$/,
    name: 'glibc (start files and libc_nonshared)',
    debian: 'libc6-dev',
    licence: glibcLicence,
  },
];

/** Names of the archives and objects in the linker's list that are not ours. */
function linkedFiles(map) {
  const paths = [...map.matchAll(/^LOAD (\S+\.[ao])$/gm)].map(([, path]) => path);
  const taken = new Set([...map.matchAll(/^(\/\S+\.a)\(/gm)].map(([, path]) => path.split('/').at(-1)));
  return [...new Set(paths.map((path) => path.split('/').at(-1)))].filter(
    (name) =>
      name !== 'libniwaki_core.a' && !name.endsWith('.cc.o') && (name.endsWith('.o') || taken.has(name)),
  );
}

function versionOf(debian) {
  const status = readFileSync(join(bullseyePath(), 'var', 'lib', 'dpkg', 'status'), 'utf8');
  const entry = status.split('\n\n').find((text) => text.startsWith(`Package: ${debian}\n`));
  const version = /^Version: (.+)$/m.exec(entry ?? '')?.[1];
  if (version === undefined) {
    throw new SetupError(
      `The Debian 11 in ${bullseyePath()} has no package ${debian}. Remove it and try again.`,
    );
  }
  return version;
}

/**
 * @param {string[]} maps  the linker's lists
 * @param {string} arch  "x64" or "arm64"
 * @returns {{ name: string, debian: string, version: string, licence: string }[]}
 */
export function staticLibraries(maps, arch) {
  const files = [...new Set(maps.flatMap(linkedFiles))];
  const strange = files.filter((file) => !known.some((library) => library.files.test(file)));
  if (strange.length > 0) {
    throw new SetupError(
      `The engine was linked with ${strange.join(', ')}, whose licence scripts/package/staticLibraries.mjs does not know.`,
    );
  }
  const suffix = arch === process.arch ? '' : `-${arch === 'x64' ? 'amd64' : arch}-cross`;
  return known
    .filter((library) => files.some((file) => library.files.test(file)))
    .map(({ name, debian, licence }) => ({
      name,
      debian: `${debian}${suffix}`,
      version: versionOf(`${debian}${suffix}`),
      licence,
    }));
}

const fenced = (text) => `${'```'}\n${text.trim()}\n${'```'}\n`;

/** The part of the notices that tells of them, with the texts of the licences that the system came with. */
export function staticNotices(libraries) {
  const share = join(bullseyePath(), 'usr', 'share');
  const copyright = readFileSync(join(share, 'doc', 'gcc-10-base', 'copyright'), 'utf8');
  const exception = /^GCC RUNTIME LIBRARY EXCEPTION\n[\s\S]*?requirements of the license of GCC\.\n/m.exec(
    copyright,
  )?.[0];
  const glibc = /^\* Most of the GNU C library[\s\S]*?02110-1301 USA\n/m.exec(
    readFileSync(join(share, 'doc', 'libc6', 'copyright'), 'utf8'),
  )?.[0];
  if (exception === undefined || glibc === undefined) {
    throw new SetupError('The Debian 11 tells its licences in another way than is known here.');
  }
  const list = libraries.map(({ name, version, licence }) => `* ${name} ${version} (${licence})`).join('\n');
  const licenceText = (name) => fenced(readFileSync(join(share, 'common-licenses', name), 'utf8'));
  return [
    '## Statically linked into the engine',
    `${list}\n`,
    'libstdc++ and libgcc are under the GNU General Public License, version 3 or later, with the GCC Runtime Library Exception, which lets them be ' +
      'part of a program under any licence. The start files and libc_nonshared.a of the GNU C library are under the GNU Lesser General Public License, ' +
      'and their sources permit to link them into other programs without restriction. All are those of Debian 11, whose archive has their sources.\n',
    fenced(exception),
    fenced(glibc.replace(/^\* /, '')),
    licenceText('GPL-3'),
    licenceText('LGPL-2.1'),
  ].join('\n');
}
