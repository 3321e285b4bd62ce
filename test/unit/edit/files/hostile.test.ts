import { strict as assert } from 'node:assert';
import type { CheckedFile } from '#protocol';
import { lookAtPlaces } from '#server/edit/files/places';
import { ChosenFiles } from '#server/workspace/chosenFiles';
import { runHostilePaths } from '../../../../bench/edit/hostilePaths.mjs';

describe('edit/files: hostile paths', () => {
  const check = (paths: readonly string[], folders: readonly string[]): Promise<readonly CheckedFile[]> => {
    const files = new ChosenFiles(() => []);
    files.configure({ exclude: [], folders });
    return lookAtPlaces(paths, folders, (root, path) => files.hides(root, path));
  };

  it('does no harm, and refuses nothing that is good', async () => {
    const { cases, harm, wrong } = await runHostilePaths(check);
    assert.deepEqual({ harm, wrong }, { harm: [], wrong: [] });
    assert.ok(cases > 150, String(cases));
  }).timeout(20_000);

  it('notices what does harm', async () => {
    const { harm, wrong } = await runHostilePaths((paths: readonly string[], folders: readonly string[]) =>
      Promise.resolve(
        paths.map((path) => ({
          path,
          uri: `${folders[0] ?? 'file:///nowhere'}/${path}`,
          exists: true,
          problem: '',
        })),
      ),
    );
    assert.ok(harm.length > 5 && wrong.length > 50, String(harm.length));
  }).timeout(20_000);
});
