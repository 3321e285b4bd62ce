/** Invariant 1: none of our own code can open a network connection. The bundles' metafile says what is in them. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { read, repositoryFiles, root } from './files';

const networkModules = /^(node:)?(http|https|http2|net|tls|dns|dgram|inspector)(\/.*)?$/;

interface Meta {
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly external?: boolean }[] }>
  >;
}

function meta(): Meta {
  assert.ok(existsSync(join(root, 'dist', 'meta.json')), 'run "npm run build" first');
  return JSON.parse(read('dist/meta.json')) as Meta;
}

describe('tidy: no network', () => {
  it('bundles sources of ours that import no network module', () => {
    const ours = Object.entries(meta().inputs).filter(([path]) => !path.includes('node_modules'));
    assert.ok(
      ours.some(([path]) => path.startsWith('client/')) && ours.some(([path]) => path.startsWith('server/')),
    );
    const wrong = ours.flatMap(([path, input]) =>
      input.imports
        .filter((imported) => networkModules.test(imported.path))
        .map((imported) => `${path} imports ${imported.path}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('bundles only one library that can open a socket: the LSP transport, which does so only when told to', () => {
    const libraries = new Set(
      Object.entries(meta().inputs)
        .filter(
          ([path, input]) =>
            path.includes('node_modules') &&
            input.imports.some((imported) => networkModules.test(imported.path)),
        )
        .map(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]),
    );
    assert.deepEqual([...libraries].sort(), ['vscode-jsonrpc']);
  });

  it('never asks for the socket or pipe transport', () => {
    const asking = repositoryFiles()
      .filter((path) => /^(client|server|protocol)\/src\/.*\.ts$/.test(path))
      .filter((path) =>
        /TransportKind\.(socket|pipe)|createClientSocketTransport|createServerSocketTransport|createClientPipeTransport|\bfetch\(|WebSocket|XMLHttpRequest/.test(
          read(path),
        ),
      );
    assert.deepEqual(asking, []);
  });

  it('has no socket call in native code', () => {
    const cpp = repositoryFiles().filter((path) => /^native\/.*\.(cc|h|inl)$/.test(path));
    const isTest = (path: string): boolean => path.endsWith('_test.cc');
    const calls = /\b(socket|connect|bind|listen|accept4?|getaddrinfo|gethostbyname|sendto|recvfrom)\s*\(/;
    const headers = /sys\/socket\.h|winsock/;
    assert.deepEqual(
      cpp.filter((path) => !isTest(path) && calls.test(read(path).replace(/\/\/.*$/gm, ''))),
      [],
    );
    // What lists the sockets that are open asks each for its name.
    const looking = 'native/src/guard/network_filter_linux.cc';
    assert.deepEqual(
      cpp.filter((path) => !isTest(path) && path !== looking && headers.test(read(path))),
      [],
    );
  });

  it('installs the filter before the server loads anything else', () => {
    const imports = (path: string): string[] =>
      (meta().inputs[path]?.imports ?? []).map((imported) => imported.path).sort();
    assert.deepEqual(imports('server/src/main.ts'), [
      'server/src/network/index.ts',
      'server/src/serve.ts',
      'server/src/withoutWatchdog.ts',
    ]);
    assert.match(read('server/src/main.ts'), /^void import\('\.\/serve'\)/m, 'not imported at the top');
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (!seen.has(path)) {
        seen.add(path);
        imports(path).forEach(visit);
      }
    };
    visit('server/src/network/index.ts');
    visit('server/src/withoutWatchdog.ts');
    assert.deepEqual(
      [...seen].filter(
        (path) =>
          !/^server\/src\/(network|util)\/|^server\/src\/withoutWatchdog|^(node:)?(fs|module|path)$/.test(
            path,
          ),
      ),
      [],
    );
  });
});
