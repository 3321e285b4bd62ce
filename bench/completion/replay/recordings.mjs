/** The recordings of a run: scripted from the git history where there is one, else from the files; small ones lie beside the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecording } from './format.mjs';
import { fileSittings, historySittings, longText } from './history.mjs';
import { editSittings, fillIn } from './scripts.mjs';

/** Changing it changes every recording. */
const seed = 7;
/** Lines of the long file. */
const longLines = 1500;

export function fixtures(root) {
  const folder = join(root, 'test', 'fixtures', 'recordings');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => readRecording(readFileSync(join(folder, name), 'utf8')));
}

/** Files written and changed, until `keys` keystrokes or `seconds` are reached. */
export function editing(root, limits) {
  const history = historySittings(root, seed);
  const sittings = history?.sittings ?? fileSittings(root);
  const source =
    history === undefined
      ? 'the files as they are: there is no git history here'
      : `${history.commits} commits of the git history from ${history.first.slice(0, 7)} on`;
  return editSittings(sittings, { ...limits, seed, title: 'editing', source });
}

/** Blocks filled in at places all over one long file. */
export function longFile(root, keys) {
  const text = longText(root, longLines);
  const source = `${longLines} lines of the files as they are`;
  return fillIn('src/long.ts', text, { keys, seed, title: 'long file', source });
}
