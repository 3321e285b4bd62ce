/** The cursors of a split, from all of its groups, and what of it could not be had. */
import { makeCuts, kinds } from './cuts.mjs';
import { describe, filesOf, groups } from './sources.mjs';

/** Cursors of each kind in a full run, and in a quick one. */
export const counts = { full: 400, quick: 100 };

/** Files beside the cursor's that are taken to be open. */
const mostOpen = 5;

/** Texts of the files next to each other by their paths: what somebody who works there may well have open. */
function openBeside(files, path) {
  const at = files.findIndex((file) => file.path === path);
  const from = Math.max(0, Math.min(at - Math.floor(mostOpen / 2), files.length - mostOpen - 1));
  return files
    .slice(from, from + mostOpen + 1)
    .filter((file) => file.path !== path)
    .map(({ text }) => text);
}

/**
 * @param {'calibrate' | 'test'} split
 * @param {number} count of each kind
 * @returns {{ cuts: (ReturnType<typeof makeCuts>[number] & { id: string, split: string, openBeside: () => string[] })[], sources: object[], missing: string[] }}
 *   `missing`: a sentence for each group whose sources cannot be had
 */
export function cutsOf(split, count) {
  const sources = [];
  const missing = [];
  const cuts = [];
  for (const group of groups[split]) {
    let files;
    try {
      files = filesOf(group);
    } catch (error) {
      missing.push(`${split}, ${group.source}: ${error.message}`);
      continue;
    }
    sources.push({ split, ...describe(group.source, files) });
    for (const kind of kinds) {
      const made = makeCuts(files, kind, Math.round(count * group.share));
      cuts.push(
        ...made.map((cut, i) => ({
          ...{ id: `${split} ${kind} ${cut.source} ${i}`, split, ...cut },
          openBeside: () => openBeside(files, cut.path),
        })),
      );
    }
  }
  return { cuts, sources, missing };
}
