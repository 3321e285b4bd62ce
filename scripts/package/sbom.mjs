/**
 * The bill of materials of a package, in CycloneDX 1.6: every file that runs, every library in it, the engine with what was linked into it,
 * and the model, with hashes and licences. Depends on the package's contents alone, the time on its sources' (docs/adr/0013-releases-for-linux.md).
 */
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PackageURL } from 'packageurl-js';
import * as parseExpression from 'spdx-expression-parse';
import { compiledGrammars, shippedPackages } from '../notices.mjs';
import { root } from '../setup.mjs';

const require = createRequire(import.meta.url);
const { ComponentType, HashAlgorithm } = Enums;

const licences = new Contrib.License.Factories.LicenseFactory(parseExpression.default);
const licenceOf = (text) => new Models.LicenseRepository([licences.makeFromString(text)]);
const sha256 = (content) => createHash('sha256').update(content).digest('hex');

function fileComponent(stage, name, { type = ComponentType.File, licence = 'Apache-2.0', description }) {
  return new Models.Component(type, name, {
    bomRef: `file:${name}`,
    licenses: licenceOf(licence),
    hashes: new Models.HashDictionary([[HashAlgorithm['SHA-256'], sha256(readFileSync(join(stage, name)))]]),
    ...(description === undefined ? {} : { description }),
  });
}

/** An npm package; the hash is the lock file's, of the archive that it came in. */
function npmComponent(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const integrity = lock.packages[folder]?.integrity ?? '';
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  const [group, short] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return new Models.Component(ComponentType.Library, short, {
    ...(group === undefined ? {} : { group }),
    bomRef: `npm:${name}@${version}`,
    version,
    licenses: licenceOf(license),
    purl: new PackageURL('npm', group, short, version).toString(),
    ...(base64 === undefined
      ? {}
      : {
          hashes: new Models.HashDictionary([
            [HashAlgorithm['SHA-512'], Buffer.from(base64, 'base64').toString('hex')],
          ]),
        }),
  });
}

function grammarComponent([name, holder]) {
  return new Models.Component(ComponentType.Library, name, {
    bomRef: `compiled:${name}`,
    licenses: licenceOf('MIT'),
    copyright: `Copyright (c) ${holder}`,
    description: 'Compiled into a file of @vscode/tree-sitter-wasm, which does not tell its version.',
  });
}

function staticComponent({ name, debian, version, licence }, arch) {
  return new Models.Component(ComponentType.Library, name, {
    bomRef: `deb:${debian}@${version}`,
    version,
    licenses: licenceOf(licence),
    purl: new PackageURL('deb', 'debian', debian, version, {
      arch: debian.endsWith('-cross') ? 'all' : { x64: 'amd64', arm64: 'arm64' }[arch],
      distro: 'debian-11',
    }).toString(),
    description: 'Linked statically into the engine.',
  });
}

/** A UUID that the text decides. */
function uuidOf(text) {
  const hex = sha256(text);
  const variant = ((parseInt(hex[16], 16) & 3) | 8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
  ];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}

function serialize(bom) {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/**
 * @param {object} options
 * @param {string} options.stage    the folder with all that is packed, the bill itself aside
 * @param {string[]} options.files  names in it
 * @param {string} options.target   "linux-x64" and the like
 * @param {object} options.meta     esbuild's description of the bundles
 * @param {{ name: string, debian: string, version: string, licence: string }[]} options.libraries  of the linker's
 * @param {number} options.epoch    the sources' time, seconds
 * @returns {string} JSON
 */
export function makeSbom({ stage, files, target, meta, libraries, epoch }) {
  const { name, version, license } = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8'));
  const product = new Models.Component(ComponentType.Application, name, {
    bomRef: 'niwaki',
    version,
    licenses: licenceOf(license),
    description: `The VS Code extension, for ${target}.`,
  });
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ timestamp: new Date(epoch * 1000), component: product }),
  });
  const add = (component) => {
    bom.components.add(component);
    return component;
  };
  const npm = new Map(shippedPackages(meta).map((folder) => [folder, add(npmComponent(folder))]));
  const headers = add(npmComponent('node_modules/node-api-headers'));
  const linked = libraries.map((library) => add(staticComponent(library, target.split('-')[1])));
  const grammars = npm.get('node_modules/@vscode/tree-sitter-wasm');
  for (const grammar of compiledGrammars) {
    grammars.dependencies.add(add(grammarComponent(grammar)).bomRef);
  }
  for (const file of files) {
    const runs = /^dist\/|^models\/nano\./.test(file);
    if (!runs) {
      continue;
    }
    const isModel = file === 'models/nano.gguf';
    const isGrammar = file.startsWith('dist/syntax/');
    const component = add(
      fileComponent(stage, file, {
        ...(isModel
          ? {
              type: ComponentType.MachineLearningModel,
              description: 'The embedded completion model; models/README.md is its card.',
            }
          : {}),
        ...(isGrammar ? { licence: 'MIT' } : {}),
      }),
    );
    product.dependencies.add(component.bomRef);
    const bundle = Object.keys(meta.outputs).find((path) => path.endsWith(`/${file}`) || path === file);
    for (const input of Object.keys(meta.outputs[bundle]?.inputs ?? {})) {
      const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (folder !== undefined) {
        component.dependencies.add(npm.get(folder).bomRef);
      }
    }
    if (isGrammar) {
      component.dependencies.add(grammars.bomRef);
    }
    if (file.endsWith('.node')) {
      component.dependencies.add(npm.get('node_modules/node-addon-api').bomRef);
      component.dependencies.add(headers.bomRef);
      for (const library of linked) {
        component.dependencies.add(library.bomRef);
      }
    }
  }
  // The parts of it that a library fills in by chance are given; the number is that of the contents.
  bom.serialNumber = uuidOf(serialize(bom));
  return serialize(bom);
}

/** Null for a valid bill, otherwise what is wrong with it. */
export async function sbomFault(text) {
  const { Validation } = require('@cyclonedx/cyclonedx-library');
  return new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
}
