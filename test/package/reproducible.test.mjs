/** The same sources in another folder, for another user's habits and another time zone, give the same bytes. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bullseyePath } from '../../scripts/package/bullseye.mjs';
import { sourceEpoch } from '../../scripts/package.mjs';
import { root } from '../../scripts/setup.mjs';
import { packagedTargets, packagePath, run } from './packages.mjs';

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A copy of what git knows here, with the npm packages. */
function copyRepository(to) {
  const list = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const name of list.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    cpSync(join(root, name), join(to, name));
  }
  cpSync(join(root, 'node_modules'), join(to, 'node_modules'), { recursive: true, verbatimSymlinks: true });
}

describe('packages made twice', () => {
  const epoch = sourceEpoch(); // once: somebody may commit meanwhile
  let folder;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki-elsewhere-with-a-longer-name-'));
    copyRepository(folder);
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('have the time of the last commit', () => {
    assert.equal(epoch, Number(run('git', ['log', '-1', '--format=%ct'], { cwd: root })));
  });

  for (const target of packagedTargets) {
    it(`are the same for ${target}, byte for byte`, () => {
      const out = join(folder, 'again.vsix');
      const script = 'umask 077; exec "$@"';
      const make = [process.execPath, 'scripts/package.mjs', '--target', target, '--out', out];
      run('/bin/sh', ['-c', script, 'sh', ...make], {
        cwd: folder,
        env: {
          ...process.env,
          TZ: 'Asia/Tokyo',
          LC_ALL: 'C',
          NIWAKI_BULLSEYE: bullseyePath(),
          SOURCE_DATE_EPOCH: String(epoch),
        },
      });
      assert.equal(sha256(out), sha256(packagePath(target)));
      console.log(`      ${sha256(out)}`);
    });
  }
});
