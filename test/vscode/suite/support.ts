/** What the tests in the extension host share. */
import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Diagnostics, NiwakiApi } from '../../../client/src/api';

export const extensionId = 'niwaki.niwaki';

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Asks again and again until the answer is neither undefined nor false. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 10_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${String(ms)} ms`);
    }
    await sleep(20);
  }
}

export function extension(): vscode.Extension<NiwakiApi> {
  const found = vscode.extensions.getExtension<NiwakiApi>(extensionId);
  assert.ok(found, `the extension ${extensionId} is present`);
  return found;
}

export async function diagnostics(): Promise<Diagnostics> {
  const api = await extension().activate();
  return api.diagnostics();
}

export type RunningDiagnostics = Diagnostics & {
  readonly serverPid: number;
  readonly status: NonNullable<Diagnostics['status']>;
};

/** The diagnostics of a server that runs; fails when none does. */
export async function running(): Promise<RunningDiagnostics> {
  const { serverPid, status, ...rest } = await diagnostics();
  assert.ok(serverPid !== undefined && status !== undefined, 'a server runs');
  return { serverPid, status, ...rest };
}

/** A counter, once nothing is on its way any more that it counts. */
export async function atRest(counter: 'requests' | 'runs'): Promise<number> {
  let last = -1;
  await until(`no more ${counter}`, async () => {
    const now = (await running()).status.counters[counter];
    const isSame = now === last;
    last = now;
    await sleep(isSame ? 0 : 400);
    return isSame;
  });
  return last;
}

/** Waits until completions are possible. A server at rest is woken as a user would do it: by opening a file. */
export async function ready(ms = 20_000): Promise<RunningDiagnostics> {
  if ((await diagnostics()).status?.state !== 'ready') {
    await openFile('');
    await closeEditors();
  }
  return until(
    'ready',
    async () => {
      const now = await diagnostics();
      return now.status?.state === 'ready' && (await running());
    },
    ms,
  );
}

function workspaceFolder(): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'a folder is open');
  return folder.uri;
}

/** Lines after which nobody doubts how the next one goes on; see workspace.mjs. */
export const counting = ['one', 'two', 'three', 'four', 'five']
  .map((word) => `console.log('${word}');\n`)
  .join('');

/** What an accepted line has to look like, whichever word the model chooses. */
export const countingLine = /^console\.log\('\w+'\);?$/;

let files = 0;
/** Every test file is a bundle of its own with a count of its own, and VS Code remembers where the cursor was in a file of this name. */
const bundle = Date.now().toString(36);

/** Opens a new file with this content, the cursor at its end. */
export async function openFile(content: string, suffix = '.ts'): Promise<vscode.TextEditor> {
  files += 1;
  return openFileAt(
    vscode.Uri.joinPath(workspaceFolder(), `typed-${bundle}-${String(files)}${suffix}`),
    content,
  );
}

/** The same for a file of this name; what it held before is gone. */
export async function openFileAt(uri: vscode.Uri, content: string): Promise<vscode.TextEditor> {
  await vscode.workspace.fs.writeFile(uri, Buffer.from(content));
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document);
  const end = document.positionAt(content.length);
  editor.selection = new vscode.Selection(end, end);
  return editor;
}

/** Closes everything, changes and all, without a question being asked. */
export async function closeEditors(): Promise<void> {
  while (vscode.window.tabGroups.all.some((group) => group.tabs.length > 0)) {
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
}

/** As if typed, a letter at a time. */
export async function type(text: string): Promise<void> {
  for (const letter of text) {
    await vscode.commands.executeCommand('type', { text: letter });
  }
}

/** Accepts the ghost text once there is some; returns the document's last line then. */
export async function acceptGhostText(editor: vscode.TextEditor, ms = 5_000): Promise<string> {
  const { document } = editor;
  const { version } = document;
  await until(
    'ghost text to accept',
    async () => {
      await vscode.commands.executeCommand('editor.action.inlineSuggest.commit'); // does nothing while there is none
      return document.version !== version;
    },
    ms,
  );
  return document.lineAt(document.lineCount - 1).text;
}

/** Types the beginning of one more line, and demands the rest of it as ghost text. Returns the prompt that the model got. */
export async function completesIn(
  editor: vscode.TextEditor,
  ms = 10_000,
): Promise<NonNullable<Diagnostics['lastPrompt']>> {
  // Until the model is there, the text alone is asked how it goes on.
  const before = await until(
    'a model',
    async () => {
      const { status } = await diagnostics();
      return status?.state === 'ready' && status.counters;
    },
    20_000,
  );
  await type('con');
  assert.match(await acceptGhostText(editor, ms), countingLine);
  const { status, lastPrompt } = await running();
  assert.ok(status.counters.requests > before.requests && lastPrompt !== null, 'the model was asked');
  assert.equal(vscode.Uri.parse(lastPrompt.uri).toString(), editor.document.uri.toString());
  return lastPrompt;
}

/** Takes back what was completed, and makes the text another one, so that the next completion is not one that is known already. */
export async function startAnotherLine(editor: vscode.TextEditor): Promise<void> {
  const { document } = editor;
  const last = document.lineAt(document.lineCount - 1).range;
  await editor.edit((edit) => {
    edit.replace(last, `console.log('four');\n`);
  });
  const end = document.lineAt(document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
}

/** The path of its file that a prompt shows the model. */
export function pathIn(prompt: { readonly text: string }): string | undefined {
  return /<\|file_sep\|>(.*)\n/.exec(prompt.text)?.[1];
}

/** Whether ghost text shows up at all within `ms`. */
export async function offersGhostText(editor: vscode.TextEditor, ms: number): Promise<boolean> {
  try {
    await acceptGhostText(editor, ms);
    return true;
  } catch {
    return false;
  }
}

/**
 * VS Code makes the part of a new editor that shows ghost text when it finds time, up to five seconds later; what is typed
 * earlier is answered by nobody.
 */
export async function warmUp(): Promise<void> {
  await until(
    'ghost text in a new editor',
    async () => {
      const editor = await openFile(counting);
      await type('co');
      const offered = await offersGhostText(editor, 1_500);
      await closeEditors();
      return offered;
    },
    30_000,
  );
}

/** A setting of ours, for this user; undefined takes it back. */
export async function configure(key: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('niwaki').update(key, value, vscode.ConfigurationTarget.Global);
}

/** A folder of the workspace's disk, for files that are no documents. */
export function workspacePath(name: string): string {
  return join(workspaceFolder().fsPath, name);
}
