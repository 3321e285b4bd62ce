/** The parts of the product that edit without a model, and what its tests share, for the parts that try them. */
import { require as load } from 'tsx/cjs/api';
import { projectFiles, random } from './editor.mjs';

const source = (path) => load(`../../${path}`, import.meta.url);

/** Of `protocol/`, and of `server/src/edit/core`. */
export const editCore = () => ({
  ...source('protocol/src/textEdits.ts'),
  ...source('protocol/src/textLines.ts'),
  ...source('protocol/src/minimalEdits.ts'),
  ...source('protocol/src/hunks.ts'),
  ...source('server/src/edit/core/index.ts'),
  ...source('server/src/edit/core/fileLines.ts'),
});
export const taggedMerge = () => source('test/support/taggedMerge.ts');
export const Random = random();

export const pick = (random, list) => list[random.below(list.length)];

/** What paths of new files mean, as the server asks it. */
export function pathCheck() {
  const { lookAtPlaces } = source('server/src/edit/files/places.ts');
  const { ChosenFiles } = source('server/src/workspace/chosenFiles.ts');
  return (paths, folders) => {
    const files = new ChosenFiles(() => []);
    files.configure({ exclude: [], folders });
    return lookAtPlaces(paths, folders, (root, path) => files.hides(root, path));
  };
}

/** Texts of this project, of a size that people edit: from 20 lines to 40 KiB. */
export function projectTexts(root) {
  return projectFiles(root)
    .map(({ path, text }) => ({ path, text: text.replaceAll('\r\n', '\n') }))
    .filter(({ text }) => text.length < 40 * 1024 && text.split('\n').length > 20);
}
