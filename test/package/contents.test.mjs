/** What is in a package, and what its addon asks of the system that it is installed in. */
/* global describe, it */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { largestBytes } from '../../scripts/package.mjs';
import { addons, glibcFloor } from '../../scripts/package/addon.mjs';
import { sbomFault } from '../../scripts/package/sbom.mjs';
import { sourcesToShip } from '../../scripts/package/stage.mjs';
import { root } from '../../scripts/setup.mjs';
import * as packages from './packages.mjs';

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The only libraries that an addon may load. */
const systemLibraries =
  /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-(x86-64|aarch64)\.so\.[12])$/;

/** Files besides the repository's own, as patterns. */
const built = [
  /^dist\/(extension|languageClient|modelFlows|privacyPages|chatView|editView|newFiles|nextEditView|server|selfTestChild|maskWorker|cli)\.js$/,
  /^dist\/chat\/(page\.js|page\.css|codicon\.ttf)$/,
  /^dist\/syntax\/tree-sitter(\.js|(-[\w-]+)?\.wasm)$/,
  /^sbom\.cdx\.json$/,
];
/** VS Code's packer gives these other names. */
const renamed = { LICENSE: 'LICENSE.txt', 'README.md': 'readme.md', 'CHANGELOG.md': 'changelog.md' };

describe('the checks of packages themselves', () => {
  it('find a C library that is too new, and a C++ library that is not inside', () => {
    const versions = [
      'GLIBC_2.2.5',
      'GLIBC_2.28',
      'GLIBC_2.29',
      'GLIBC_2.3',
      'GLIBCXX_3.4.21',
      'GLIBC_PRIVATE',
    ];
    assert.deepEqual(packages.versionFaults(versions, '2.28'), [
      'GLIBC_2.29',
      'GLIBCXX_3.4.21',
      'GLIBC_PRIVATE',
    ]);
  });

  it("find both in this machine's own Node", () => {
    const { versions, defined } = packages.readAddon(process.execPath);
    assert.ok(versions.length > 0 && defined.length > 100);
  });

  it('find a bill of materials that is not valid', async () => {
    assert.notEqual(
      await sbomFault('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":1}]}'),
      null,
    );
  });
});

it('there are packages for x64 and for ARM', () => {
  assert.deepEqual(packages.packagedTargets.sort(), ['linux-arm64', 'linux-x64']);
});

for (const target of packages.packagedTargets) {
  describe(`the package for ${target}`, () => {
    const extension = packages.extensionOf(target);
    const addonPath = (name) => join(extension, 'dist', 'native', target, name);
    const files = packages.filesIn(extension);

    it('is no larger than 25 MB', () => {
      const { size } = statSync(packages.packagePath(target));
      console.log(`      ${(size / 2 ** 20).toFixed(1)} MiB`);
      assert.ok(size <= largestBytes && largestBytes <= 25 * 2 ** 20);
    });

    it('has what is allowed and nothing else', () => {
      const own = sourcesToShip().map((name) => renamed[name] ?? name);
      const others = files.filter((name) => !own.includes(name));
      const strange = others.filter(
        (name) =>
          !built.some((pattern) => pattern.test(name)) &&
          !addons.some((addon) => name === `dist/native/${target}/${addon}`),
      );
      assert.deepEqual(strange, []);
      assert.deepEqual(
        own.filter((name) => !files.includes(name)),
        [],
      );
      const missing = built.filter((pattern) => !others.some((name) => pattern.test(name)));
      assert.deepEqual(missing, []);
      const bundles = /\(([\w|]+)\)/.exec(built[0].source)[1].split('|');
      assert.deepEqual(
        bundles.filter((name) => !others.includes(`dist/${name}.js`)),
        [],
      );
    });

    it('has no source maps, no sources of ours and no path of this machine', () => {
      assert.deepEqual(
        files.filter((name) => /\.(map|ts|cc|h)$/.test(name)),
        [],
      );
      const places = [root, process.env.HOME ?? root].filter((place) => place.length > 5);
      const telling = files.filter((name) => {
        const content = readFileSync(join(extension, name), 'latin1');
        return places.some((place) => content.includes(place)) || /sourceMappingURL=\S+\.map/.test(content);
      });
      assert.deepEqual(telling, []);
    });

    it('has a manifest without what is for developers', () => {
      const manifest = JSON.parse(readFileSync(join(extension, 'package.json'), 'utf8'));
      assert.equal(manifest.main, './dist/extension.js');
      assert.deepEqual(
        [manifest.scripts, manifest.devDependencies, manifest.dependencies],
        [undefined, undefined, undefined],
      );
      assert.match(
        readFileSync(join(packages.unpack(target), 'extension.vsixmanifest'), 'utf8'),
        new RegExp(`TargetPlatform="${target}"`),
      );
    });

    for (const name of addons) {
      const facts = packages.readAddon(addonPath(name));

      it(`has a ${name} for this processor and glibc ${glibcFloor}, with the C++ library inside`, () => {
        const header = packages.run('readelf', ['--file-header', addonPath(name)]);
        assert.match(/Machine:\s+(.*)/.exec(header)[1], target.endsWith('x64') ? /X86-64/ : /AArch64/);
        console.log(`      ${facts.versions.join(' ')}`);
        assert.ok(facts.versions.length > 0);
        assert.deepEqual(packages.versionFaults(facts.versions, glibcFloor), []);
        assert.deepEqual(
          facts.needed.filter((library) => !systemLibraries.test(library)),
          [],
        );
      });

      it(`has a ${name} that shows nothing but how it is loaded`, () => {
        assert.deepEqual(facts.defined.filter((symbol) => symbol !== '').sort(), [
          'napi_register_module_v1',
          'node_api_module_get_api_version_v1',
        ]);
      });

      it(`has a ${name} without debug information and without an id of its build`, () => {
        assert.deepEqual(
          facts.sections.filter((section) => /^\.(debug|symtab|note\.gnu\.build-id)/.test(section)),
          [],
        );
      });
    }

    if (target === 'linux-x64') {
      it('has an addon with the table for AMX, whose bytes are the instructions that they are meant to be', () => {
        const text = packages.run('objdump', [
          '-d',
          '-M',
          'intel',
          '--no-show-raw-insn',
          addonPath('niwaki.node'),
        ]);
        const found = (pattern) => [...text.matchAll(pattern)].length;
        const dots = [...text.matchAll(/tdpbssd tmm(\d),tmm(\d),tmm(\d)/g)].map((m) =>
          m.slice(1, 4).join(''),
        );
        assert.deepEqual([...new Set(dots)].sort(), ['046', '147', '256', '357']);
        assert.deepEqual(
          [
            /tilezero tmm[0-3]/g,
            /tileloadd tmm[4-7],\[rax\+rcx\*1\]/g,
            /tilestored \[rax\+rcx\*1\],tmm[0-3]/g,
          ].map((pattern) => found(pattern) % 4),
          [0, 0, 0],
        );
        assert.ok(found(/tileloadd/g) >= 16 && found(/tilestored/g) >= 4 && found(/tilezero/g) >= 4);
        assert.ok(found(/ldtilecfg \[rax\]/g) >= 1 && found(/tilerelease/g) >= 1);
      });
    }

    it('has a bill of materials that is valid and complete', async () => {
      const text = readFileSync(join(extension, 'sbom.cdx.json'), 'utf8');
      assert.equal(await sbomFault(text), null);
      const bill = JSON.parse(text);
      const hashOf = new Map(
        bill.components.map((part) => [
          part.name,
          part.hashes?.find(({ alg }) => alg === 'SHA-256')?.content,
        ]),
      );
      for (const name of files.filter((file) => /^dist\/|^models\/nano\./.test(file))) {
        assert.equal(hashOf.get(name), sha256(join(extension, name)), name);
      }
      assert.deepEqual(
        bill.components.filter(({ licenses }) => licenses === undefined).map(({ name }) => name),
        [],
      );
      const names = bill.components.map(({ name }) => name);
      for (const name of [
        'libstdc++',
        'libgcc',
        'vscode-languageserver',
        'node-addon-api',
        'tree-sitter-python',
      ]) {
        assert.ok(names.includes(name), name);
      }
      // Everything hangs together: what a bundle is made of is named as its dependency.
      const engine = bill.dependencies.find(({ ref }) => ref.endsWith('niwaki.node'));
      assert.ok(engine.dependsOn.some((ref) => ref.startsWith('deb:libstdc++')));
      const server = bill.dependencies.find(({ ref }) => ref === 'file:dist/server.js');
      assert.ok(server.dependsOn.some((ref) => ref.startsWith('npm:vscode-languageserver@')));
    });

    it('tells the licences of all that is in it', () => {
      const text = readFileSync(join(extension, 'THIRD-PARTY-NOTICES.md'), 'utf8');
      const bill = JSON.parse(readFileSync(join(extension, 'sbom.cdx.json'), 'utf8'));
      // The headers of Node-API come with node-addon-api's notice; they have the same licence.
      const missing = bill.components
        .filter(({ type, name }) => type === 'library' && name !== 'node-api-headers')
        .filter(
          ({ name, version, 'bom-ref': ref }) =>
            !text.includes(ref.startsWith('compiled:') ? name : `${name} ${version}`),
        );
      assert.deepEqual(
        missing.map(({ name }) => name),
        [],
      );
      assert.match(text, /GCC RUNTIME LIBRARY EXCEPTION/);
      assert.match(text, /GNU GENERAL PUBLIC LICENSE\s+Version 3/);
    });
  });
}
