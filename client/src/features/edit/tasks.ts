/** Which changes make sense where. Pure, and cheap: a look at the text, no parsing. */
import type { EditTask } from '#protocol';

const scripts = new Set(['typescript', 'typescriptreact', 'javascript', 'javascriptreact']);
const withTypes = new Set([...scripts, 'python', 'php']);
const withFunctions = new Set([...scripts, 'python']);
const prose = new Set([
  ...[
    'plaintext',
    'markdown',
    'json',
    'jsonc',
    'yaml',
    'toml',
    'ini',
    'properties',
    'dockerfile',
    'log',
    'csv',
  ],
  ...['css', 'scss', 'less', 'html', 'xml', 'diff', 'git-commit', 'ignore', 'scminput', 'search-result'],
]);

const callbacks =
  /\.then\s*\(|\.catch\s*\(|\b(?:callback|cb|done|next)\s*[(,)]|\(\s*(?:err|error)\b[^()]{0,200}\)\s*=>|add_done_callback/;
const someClass = /^[ \t]*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+\w/m;
const someFunction =
  /\b(?:function|def|fn|func|fun|class|interface|struct|trait|impl|enum|void|public|private|static|async)\b|=>|\)\s*\{/;

/** `text`: what is selected, or stands around the cursor. */
export function taskFits(task: EditTask, languageId: string, text: string, isSelected: boolean): boolean {
  switch (task) {
    case 'instruct':
    case 'fix':
      return true;
    case 'toAsync':
      return withFunctions.has(languageId) && callbacks.test(text);
    case 'toFunctions':
      return withFunctions.has(languageId) && someClass.test(text);
    case 'addTypes':
      return withTypes.has(languageId) && someFunction.test(text);
    case 'extract':
      return isSelected && !prose.has(languageId);
    case 'simplify':
      return !prose.has(languageId) && (isSelected || someFunction.test(text));
    case 'document':
    case 'tests':
      return !prose.has(languageId) && someFunction.test(text);
  }
}
