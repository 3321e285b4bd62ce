/**
 * Compiles the addons for a release: in Debian 11 for Linux (bullseye.mjs), those of the development build elsewhere. Leaves the
 * build in dist/ as it is on Linux.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { root, SetupError } from '../setup.mjs';
import { compilerFor, ensureBullseye, runInBullseye } from './bullseye.mjs';

/** The platforms that there are releases for. */
export const targets = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'];

/** The first glibc that releases for Linux may be started with. */
export const glibcFloor = '2.28';

const require = createRequire(import.meta.url);
const processors = { x64: 'x86_64', arm64: 'aarch64' };
const packageDir = (name) => dirname(require.resolve(`${name}/package.json`));

/** The addons' files. */
export const addons = ['niwaki.node', 'guard.node'];

/** The folder of a target's build. */
const addonBuildDir = (target) => join(root, 'native', `build-package-${target}`);

/** The linker's lists of what it put into a release for Linux, one an addon. */
export const readLinkMaps = (target) =>
  addons.map((name) =>
    readFileSync(join(addonBuildDir(target), 'addon', name.replace(/node$/, 'map')), 'utf8'),
  );

/**
 * Everything inside has a fixed name, /niwaki and /build, so that no path of this machine gets into the addons. CMake is told of a
 * cross build by CMAKE_SYSTEM_NAME.
 */
async function buildForLinux(target, { quiet }) {
  const arch = target.slice('linux-'.length);
  const compiler = compilerFor(arch);
  await ensureBullseye();
  const buildDir = addonBuildDir(target);
  mkdirSync(buildDir, { recursive: true });
  const cross = arch === process.arch ? [] : ['-DCMAKE_SYSTEM_NAME=Linux'];
  const configure = [
    ...['cmake', '-G', 'Ninja', '-S', '/niwaki/native', '-B', '/build'],
    ...[...cross, `-DCMAKE_SYSTEM_PROCESSOR=${processors[arch]}`, `-DCMAKE_CXX_COMPILER=${compiler}`],
    ...['-DCMAKE_BUILD_TYPE=Release', '-DNIWAKI_RELEASE=ON', '-DNIWAKI_WERROR=ON'],
    '-DCMAKE_JS_INC="/niwaki/include;/niwaki/addon-api"',
  ];
  if (!quiet) {
    console.log(`Compiling the engine for ${target} …`);
  }
  runInBullseye(
    'Compiling the engine',
    `${configure.join(' ')} > /build/configure.log && ninja -C /build -j ${availableParallelism()} niwaki_addon niwaki_guard`,
    {
      binds: [
        { from: join(root, 'native'), to: 'niwaki/native' },
        { from: join(packageDir('node-api-headers'), 'include'), to: 'niwaki/include' },
        { from: packageDir('node-addon-api'), to: 'niwaki/addon-api' },
        { from: buildDir, to: 'build', writable: true },
      ],
    },
  );
  return join(buildDir, 'addon');
}

/**
 * @param {string} target  one of `targets`
 * @param {string} folder  where the addons are to lie
 */
export async function buildReleaseAddons(target, folder, { quiet = false } = {}) {
  let built;
  if (target.startsWith('linux-')) {
    built = await buildForLinux(target, { quiet });
  } else if (target === `${process.platform}-${process.arch}`) {
    const { buildNative } = await import('../build-native.mjs');
    built = dirname(buildNative({ quiet }).path);
  } else {
    throw new SetupError(
      `A package for ${target} is made on ${target}, because its compiler is only there; this is ${process.platform}-${process.arch}. ` +
        '.github/workflows/package.yml makes all of them.',
    );
  }
  mkdirSync(folder, { recursive: true });
  for (const name of addons) {
    copyFileSync(join(built, name), join(folder, name));
  }
}
