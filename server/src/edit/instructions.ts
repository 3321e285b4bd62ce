/** What a task asks of the model, in words. */
import type { EditProblem, EditTask } from '#protocol';

/** Names that people use, by VS Code's ids; others are their own names. */
const names: Readonly<Record<string, string>> = {
  typescript: 'TypeScript',
  typescriptreact: 'TypeScript with JSX',
  javascript: 'JavaScript',
  javascriptreact: 'JavaScript with JSX',
  python: 'Python',
  cpp: 'C++',
  c: 'C',
  csharp: 'C#',
  go: 'Go',
  java: 'Java',
  rust: 'Rust',
  ruby: 'Ruby',
  php: 'PHP',
  kotlin: 'Kotlin',
  swift: 'Swift',
  shellscript: 'shell',
};

export function languageName(languageId: string): string {
  return names[languageId] ?? languageId;
}

/** How comments say what something does. */
const comments: Readonly<Record<string, string>> = {
  typescript: 'a TSDoc comment (`/** … */`) above each declaration that has none',
  typescriptreact: 'a TSDoc comment (`/** … */`) above each declaration that has none',
  javascript:
    'a JSDoc comment (`/** … */`, with @param and @returns where they help) above each declaration that has none',
  javascriptreact:
    'a JSDoc comment (`/** … */`, with @param and @returns where they help) above each declaration that has none',
  python: 'a docstring in each function and class that has none',
  java: 'a Javadoc comment above each declaration that has none',
  kotlin: 'a KDoc comment above each declaration that has none',
  csharp: 'an XML documentation comment (`/// <summary>`) above each declaration that has none',
  go: 'a doc comment above each declaration that has none, beginning with its name',
  rust: 'a doc comment (`///`) above each item that has none',
  cpp: 'a comment above each declaration that has none',
  c: 'a comment above each declaration that has none',
  php: 'a PHPDoc comment above each declaration that has none',
  ruby: 'a comment above each method and class that has none',
};

const types: Readonly<Record<string, string>> = {
  python: 'Add type hints to all parameters and results',
  javascript: 'Add JSDoc types (`@param {…}`, `@returns {…}`) to all functions',
  javascriptreact: 'Add JSDoc types (`@param {…}`, `@returns {…}`) to all functions',
  typescript: 'Add explicit types to all parameters, results and fields; no `any`',
  typescriptreact: 'Add explicit types to all parameters, results and fields; no `any`',
  php: 'Add parameter and return types',
};

const asynchronous: Readonly<Record<string, string>> = {
  python: 'Convert callbacks to `async def` and `await`',
  csharp: 'Convert callbacks to `async` and `await`, with results of type `Task`',
  rust: 'Convert callbacks to `async fn` and `.await`',
};

/** What is to be done, one or two sentences that end with a full stop. `instruction`: what the user says; '' = nothing. */
export function taskText(task: EditTask, languageId: string, instruction: string): string {
  const own = instruction.trim();
  const asked = own === '' ? '' : ` ${/[.!?]$/.test(own) ? own : `${own}.`}`;
  switch (task) {
    case 'instruct':
      return own === '' ? 'Improve this code without changing what it does.' : asked.trim();
    case 'fix':
      return `Correct what is wrong, with the smallest change that does so.${asked}`;
    case 'simplify':
      return `Simplify this code: the same behaviour and the same names for what others use, with less of it and clearer.${asked}`;
    case 'extract':
      return `Extract a part of this code that means something by itself into a function with a telling name, and call it where the code was. The behaviour stays the same.${asked}`;
    case 'toAsync':
      return `${asynchronous[languageId] ?? 'Convert callbacks and promise chains to `async` and `await`'}. Errors go the same ways as before.${asked}`;
    case 'toFunctions':
      return `Convert the class to functions that do the same; what it kept in fields becomes parameters, results or closures.${asked}`;
    case 'addTypes':
      return `${types[languageId] ?? 'Add the types that are missing'}. Change nothing else.${asked}`;
    case 'document':
      return `Write ${comments[languageId] ?? 'a comment above each declaration that has none'}: what it does, what it is given and what it gives back. Change no code.${asked}`;
    case 'tests':
      return `Write tests of this code: what it does in the ordinary case, at the borders, and with wrong input.${asked}`;
  }
}

const mostProblems = 12;
const longestMessage = 400;

/** A list; `lineOf`: the text of a line that a problem names. '' = there are none. */
export function problemList(
  problems: readonly EditProblem[],
  lineOf: (line: number) => string | undefined,
): string {
  return problems
    .slice(0, mostProblems)
    .map(({ line, message }) => {
      const words = message.replaceAll(/\s+/g, ' ').trim().slice(0, longestMessage);
      const there = lineOf(line)?.trim() ?? '';
      return there === '' ? `- ${words}` : `- ${words}\n  in the line: ${there}`;
    })
    .join('\n');
}
