import * as assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyName, idOfCopy, isAbandoned, newPartName, sweepParts, writeSmall } from '../../../../server/src/models';
import { Stage } from './support';

const id = '0123456789abcdef';
const hour = 3_600_000;

/** As a process called its part that is not there any more. No system has this number; one that has just ended may be given to another. */
function partOfTheDead(): string {
  return newPartName().replace(`-${String(process.pid)}-`, `-${String(2 ** 31 - 1)}-`);
}

describe('models: the folder of imported models', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => {
    stage.end();
  });

  it('gives copies names that every system takes, and knows them again', () => {
    const name = copyName(id, 'Bonsai 8B (mine): <最新>.GGUF');
    assert.equal(name, `${id}-Bonsai 8B _mine__ _最新_.gguf`);
    assert.equal(idOfCopy(name), id);
    assert.equal(copyName(id, '..gguf'), `${id}-model.gguf`);
    assert.equal(copyName(id, '../../etc/passwd'), `${id}-_.._etc_passwd.gguf`);
    assert.ok(copyName(id, `${'x'.repeat(500)}.gguf`).length < 100);
    for (const no of ['a.gguf', `${id}.gguf`, `${id}-a/b.gguf`, `${id}-a.gguf.part`]) {
      assert.equal(idOfCopy(no), undefined);
    }
  });

  it('takes a part for abandoned when its process has ended, or has not written for an hour', () => {
    const now = Date.now();
    assert.equal(isAbandoned(newPartName(), now - 2 * hour), false); // our own: a slow disk
    assert.equal(isAbandoned(partOfTheDead(), now), true);
    const ofInit = newPartName().replace(`-${String(process.pid)}-`, '-1-');
    assert.equal(isAbandoned(ofInit, now - hour / 2), false);
    assert.equal(isAbandoned(ofInit, now - 2 * hour), true);
    const elsewhere = newPartName().replace(/^[0-9a-f]{8}-\d+-/, '00000000-4194303-');
    assert.equal(isAbandoned(elsewhere, now - 2 * hour), false);
    assert.equal(isAbandoned(elsewhere, now - 25 * hour), true);
    assert.equal(isAbandoned('notes.part', 0), false);
  });

  it('sweeps what the dead have left, and nothing else', async () => {
    assert.equal(await sweepParts(stage.folder), 0);
    mkdirSync(stage.folder, { recursive: true });
    const kept = [newPartName(), 'notes.part', `${id}-a.gguf`, 'roles.json'].sort();
    for (const name of [partOfTheDead(), partOfTheDead(), ...kept]) {
      writeFileSync(join(stage.folder, name), 'x');
    }
    utimesSync(join(stage.folder, 'notes.part'), 0, 0);
    assert.equal(await sweepParts(stage.folder), 2);
    assert.deepEqual(stage.names(), kept);
  });

  it('writes small files as a whole', async () => {
    mkdirSync(stage.folder, { recursive: true });
    await writeSmall(stage.folder, 'a.json', '1');
    await writeSmall(stage.folder, 'a.json', '2');
    mkdirSync(join(stage.folder, 'b.json'));
    await assert.rejects(writeSmall(stage.folder, 'b.json', '3'));
    assert.deepEqual(stage.names(), ['a.json', 'b.json']);
  });
});
