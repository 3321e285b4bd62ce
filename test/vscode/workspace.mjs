/** The folder that the tests open. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/vscode/setup.mjs';

/**
 * A file in which there is hardly a doubt how the next line goes on, even for the smallest model. It ends with a line break, so
 * that a test types at the end of it.
 */
export const countingFile = 'counting.ts';
const counting = ['one', 'two', 'three', 'four', 'five'].map((word) => `console.log('${word}');\n`).join('');

export const workspaceSettings = {
  // An open suggest widget hides ghost text that does not extend its selected item. Tests of ghost text alone do without it.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.wordBasedSuggestions': 'off',
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
  'files.autoSave': 'off',
  // What the smallest model is sure of by itself may lie on either side of the bar: tests are of what is shown, not of how sure it is.
  'niwaki.completion.eagerness': 'more',
};

/** Makes the folder and returns its path. `added`: settings of the workspace besides those above. */
export function makeWorkspace(folder, added = {}) {
  const sample = join(root, 'test', 'fixtures', 'sample-project');
  mkdirSync(folder, { recursive: true });
  if (existsSync(sample)) {
    cpSync(sample, folder, { recursive: true });
  }
  const files = {
    [countingFile]: counting,
    '.vscode/settings.json': JSON.stringify({ ...workspaceSettings, ...added }, null, 2),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
