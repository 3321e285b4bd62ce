#!/usr/bin/env node
/**
 * Writes THIRD-PARTY-NOTICES.md: the licences of every npm package that is part of a bundle (dist/meta.json says which) or copied
 * beside the bundles. The engine has no third-party code besides node-addon-api, whose headers are compiled into the addon; what the linker adds to a release
 * is told in the package's own copy (package/staticLibraries.mjs).
 */
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup.mjs';

export const noticesPath = join(root, 'THIRD-PARTY-NOTICES.md');

/** Packages that are shipped without being in a bundle. */
const notBundled = ['node_modules/node-addon-api', 'node_modules/@vscode/tree-sitter-wasm'];

/** What @vscode/tree-sitter-wasm contains in compiled form; it carries only its own licence. All of these have the MIT licence. */
export const compiledGrammars = [
  ['tree-sitter', '2018 Max Brunsfeld'],
  ['tree-sitter-bash', '2017 Max Brunsfeld'],
  ['tree-sitter-c-sharp', '2014-2023 Max Brunsfeld, Damien Guard, Amaan Qureshi, and contributors'],
  ['tree-sitter-cpp', '2014 Max Brunsfeld'],
  ['tree-sitter-css', '2018 Max Brunsfeld'],
  ['tree-sitter-go', '2014 Max Brunsfeld'],
  ['tree-sitter-java', '2017 Ayman Nadeem'],
  ['tree-sitter-javascript', '2014 Max Brunsfeld'],
  [
    'tree-sitter-php',
    '2017 Josh Vera, GitHub; 2019 Max Brunsfeld, Amaan Qureshi, Christian Frøystad, Caleb White',
  ],
  ['tree-sitter-python', '2016 Max Brunsfeld'],
  ['tree-sitter-ruby', '2016 Rob Rix'],
  ['tree-sitter-rust', '2017 Maxim Sokolov'],
  ['tree-sitter-typescript', '2017 Max Brunsfeld'],
];

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;

function compiledNotice() {
  const holders = compiledGrammars.map(([name, holder]) => `${name}: Copyright (c) ${holder}`).join('\n');
  return `## tree-sitter and its grammars (MIT), compiled in @vscode/tree-sitter-wasm\n\n${'```'}\n${holders}\n\n${mit}\n${'```'}\n`;
}

/** The folders below the root of all npm packages that are shipped; `meta` is esbuild's description of the bundles. */
export function shippedPackages({ outputs }) {
  const names = Object.values(outputs)
    .flatMap((output) => Object.keys(output.inputs ?? {}))
    .map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter((folder) => folder !== undefined);
  return [...new Set([...names, ...notBundled])].sort();
}

function notice(folder) {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const file = readdirSync(path).find((entry) => /^(licen[cs]e|copying)([.-]\w+)?$/i.test(entry));
  const text =
    file === undefined
      ? `(${license}; the package carries no licence text)`
      : readFileSync(join(path, file), 'utf8');
  return `## ${name} ${version} (${license})\n\n${'```'}\n${text.replaceAll('\r\n', '\n').trim()}\n${'```'}\n`;
}

/** @param {object} [meta]  left out, that of the build in dist/ */
export function notices(meta = JSON.parse(readFileSync(join(root, 'dist', 'meta.json'), 'utf8'))) {
  const head =
    '# Third-party notices\n\nNiwaki is Apache-2.0. Its bundles contain the packages below. The embedded model has a licence and provenance of its own: ' +
    '[models/README.md](models/README.md).\n';
  return [head, ...shippedPackages(meta).map(notice), compiledNotice()].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  if (!existsSync(join(root, 'dist', 'meta.json'))) {
    console.error('Run "npm run build" first.');
    process.exitCode = 1;
  } else {
    writeFileSync(noticesPath, notices());
  }
}
