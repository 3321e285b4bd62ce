/** Invariant 11: docs/PROTOCOL.md describes the messages that protocol/ declares. */
import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { read, repositoryFiles } from './files';

function protocolHash(): string {
  const hash = createHash('sha256');
  for (const path of repositoryFiles()
    .filter((file) => file.startsWith('protocol/src/'))
    .sort()) {
    hash.update(`${path}\n${read(path).replaceAll('\r\n', '\n')}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

describe('tidy: docs/PROTOCOL.md', () => {
  const page = read('docs/PROTOCOL.md');

  it('carries the hash of protocol/src', () => {
    const written = /protocol hash: `([0-9a-f]+)`/.exec(page)?.[1];
    assert.equal(
      written,
      protocolHash(),
      'protocol/ has changed: describe the change in docs/PROTOCOL.md, then write the new hash there',
    );
  });

  it('names every message', () => {
    const methods = repositoryFiles()
      .filter((file) => file.startsWith('protocol/src/'))
      .flatMap((file) => [...read(file).matchAll(/method = '([^']+)'/g)].map((match) => match[1] as string));
    assert.ok(methods.length >= 6);
    assert.deepEqual(
      methods.filter((method) => !page.includes(`\`${method}\``)),
      [],
    );
  });
});
