#!/usr/bin/env node
/**
 * Writes THIRD-PARTY-NOTICES.md: the licences of every npm package that is part of a bundle (dist/meta.json says which). The engine
 * has no third-party code besides node-addon-api, whose headers are compiled into the addon.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup.mjs';

export const noticesPath = join(root, 'THIRD-PARTY-NOTICES.md');

function bundledPackages() {
  const { outputs } = JSON.parse(readFileSync(join(root, 'dist', 'meta.json'), 'utf8'));
  const names = Object.values(outputs)
    .flatMap((output) => Object.keys(output.inputs ?? {}))
    .map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter((folder) => folder !== undefined);
  return [...new Set([...names, 'node_modules/node-addon-api'])].sort();
}

function notice(folder) {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const file = readdirSync(path).find((entry) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(entry));
  const text =
    file === undefined
      ? `(${license}; the package carries no licence text)`
      : readFileSync(join(path, file), 'utf8');
  return `## ${name} ${version} (${license})\n\n${'```'}\n${text.replaceAll('\r\n', '\n').trim()}\n${'```'}\n`;
}

export function notices() {
  const head =
    '# Third-party notices\n\nNiwaki is Apache-2.0. Its bundles contain the packages below. The embedded model has a licence and provenance of its own: ' +
    '[models/README.md](models/README.md).\n';
  return [head, ...bundledPackages().map(notice)].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  if (!existsSync(join(root, 'dist', 'meta.json'))) {
    console.error('Run "npm run build" first.');
    process.exitCode = 1;
  } else {
    writeFileSync(noticesPath, notices());
  }
}
