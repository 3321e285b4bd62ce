/**
 * The folder that a package is packed from: a copy of what .vscodeignore allows, with bundles for production, in which every byte, name
 * and mode depends on the sources alone. The build for development in dist/ is left as it is.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../setup.mjs';

/** What a package's manifest needs nobody for who installs it. */
const forDevelopers = ['scripts', 'devDependencies', 'overrides', 'imports', 'private', 'binary'];

/** Patterns of the allow-list, without their "!". */
export function allowed(ignoreFile = join(root, '.vscodeignore')) {
  return readFileSync(ignoreFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
}

/** A pattern of the allow-list as a regular expression: `*` is a part of a name, `**` any folders. */
function expression(pattern) {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `^${escaped.replaceAll('**/', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '(?:.*/)?')}$`,
  );
}

function filesBelow(folder, prefix) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`)
      : [`${prefix}${entry.name}`],
  );
}

/** The repository's own files that are shipped: all that the list allows but those in dist/, which a build makes. */
export function sourcesToShip() {
  const patterns = allowed().filter((pattern) => !pattern.startsWith('dist/'));
  const expressions = patterns.map(expression);
  const folders = patterns.filter((pattern) => pattern.includes('/')).map((pattern) => pattern.split('/')[0]);
  const files = [
    ...readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [] : [entry.name],
    ),
    ...[...new Set(folders)].flatMap((folder) => filesBelow(join(root, folder), `${folder}/`)),
  ];
  return files.filter((file) => expressions.some((expression) => expression.test(file))).sort();
}

/** Writes a file of the package; nobody's umask gets into it. */
export function putFile(stage, name, content) {
  const path = join(stage, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, 0o644);
}

/** Makes the folder anew, with everything but what is built. */
export function startStage(stage) {
  rmSync(stage, { recursive: true, force: true });
  for (const name of sourcesToShip()) {
    const path = join(stage, name);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(join(root, name), path);
    chmodSync(path, 0o644);
  }
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const key of forDevelopers) {
    delete manifest[key];
  }
  putFile(stage, 'package.json', `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(join(root, '.vscodeignore'), join(stage, '.vscodeignore'));
}
