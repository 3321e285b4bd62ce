import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxOnBattery, pmsetSaysBattery, PowerSource } from '../../../server/src/util/power';

type Supplies = Readonly<Record<string, Readonly<Record<string, string>>>>;

describe('util: the source of power', () => {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-power-'));
  let machines = 0;

  after(() => {
    rmSync(folder, { recursive: true });
  });

  function machine(supplies: Supplies): Promise<boolean> {
    machines += 1;
    const root = join(folder, String(machines));
    for (const [name, files] of Object.entries(supplies)) {
      mkdirSync(join(root, name), { recursive: true });
      for (const [file, text] of Object.entries(files)) {
        writeFileSync(join(root, name, file), `${text}\n`);
      }
    }
    return linuxOnBattery(root);
  }

  const discharging = { type: 'Battery', status: 'Discharging' };

  it('knows a laptop without its cable, and with it', async () => {
    assert.equal(await machine({ AC: { type: 'Mains', online: '0' }, BAT0: discharging }), true);
    assert.equal(await machine({ AC: { type: 'Mains', online: '1' }, BAT0: discharging }), false);
    assert.equal(
      await machine({ BAT0: discharging, 'ucsi-1': { type: 'USB', online: '1' } }),
      false,
      'a charger may be a USB supply',
    );
    assert.equal(await machine({ BAT0: { type: 'Battery', status: 'Full' } }), false);
    assert.equal(await machine({ BAT0: { type: 'Battery', status: 'Full' }, BAT1: discharging }), true);
  });

  it('is not deceived by the battery of a mouse, nor by a machine that has none', async () => {
    assert.equal(await machine({ mouse: { ...discharging, scope: 'Device' } }), false);
    assert.equal(await machine({}), false);
    assert.equal(await linuxOnBattery(join(folder, 'missing')), false);
  });

  it('reads what macOS says', () => {
    assert.equal(pmsetSaysBattery("Now drawing from 'Battery Power'\n -InternalBattery-0\t95%;"), true);
    assert.equal(pmsetSaysBattery("Now drawing from 'AC Power'\n -InternalBattery-0\t100%;"), false);
    assert.equal(pmsetSaysBattery(''), false);
  });

  it('asks at most every half minute, and takes no answer for no', async () => {
    let now = 0;
    let asked = 0;
    const answers = [true, false];
    const source = new PowerSource(
      () => {
        const answer = answers[asked];
        asked += 1;
        return answer === undefined ? Promise.reject(new Error('no idea')) : Promise.resolve(answer);
      },
      () => now,
    );
    assert.equal(await source.onBattery(), true);
    now = 29_000;
    assert.equal(await source.onBattery(), true);
    assert.equal(asked, 1);
    now = 31_000;
    assert.equal(await source.onBattery(), false);
    now = 70_000;
    assert.equal(await source.onBattery(), false);
    assert.equal(asked, 3);
  });
});
