import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leadsOut } from '../../../client/src/features/files/inside';

describe('client: what was written lies in the workspace', () => {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-inside-'));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('unless a link leads out of it', async () => {
    const [root, outside] = [join(folder, 'root'), join(folder, 'root-other')];
    for (const path of [join(root, 'src'), outside]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'a.ts'), '');
    }
    writeFileSync(join(root, '..a.ts'), '');
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('src', join(root, 'in'));
    symlinkSync(root, join(folder, 'link'));
    const out = (path: string, from = root): Promise<boolean> => leadsOut(from, join(from, path));
    assert.equal(await out('out/a.ts'), true);
    for (const path of ['src/a.ts', 'in/a.ts', '..a.ts', 'nowhere/a.ts']) {
      assert.equal(await out(path), false, path);
    }
    assert.equal(await out('src/a.ts', join(folder, 'link')), false);
    assert.equal(await out('out/a.ts', join(folder, 'link')), true);
  });
});
