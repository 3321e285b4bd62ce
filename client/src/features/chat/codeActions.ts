/** What the buttons of a code block do. Each returns a problem, a sentence; '' = it was done. */
import type { Attachment } from '#protocol';
import type { PageMessage } from '#protocol/chatPage';
import { env, l10n, languages, Uri, ViewColumn, window, workspace } from 'vscode';
import { isInWorkspace, nameOf } from '../../insideWorkspace';
import { planApply, type ApplyPlan, type Lines } from './applyPlan';
import { currentEditor } from './attachments';
import { readPlace } from './places';
import type { Proposals } from './proposals';
import { findInWorkspace } from './workspaceFiles';

type CodeMessage = Extract<PageMessage, { kind: 'code' }>;

/** VS Code's names of languages, where answers use others. */
const languageNames: Readonly<Record<string, string>> = {
  ...{
    ts: 'typescript',
    js: 'javascript',
    mjs: 'javascript',
    tsx: 'typescriptreact',
    jsx: 'javascriptreact',
  },
  ...{ py: 'python', rb: 'ruby', rs: 'rust', sh: 'shellscript', bash: 'shellscript', zsh: 'shellscript' },
  ...{ shell: 'shellscript', 'c++': 'cpp', cc: 'cpp', h: 'cpp', cs: 'csharp', 'c#': 'csharp', kt: 'kotlin' },
  ...{
    yml: 'yaml',
    md: 'markdown',
    ps1: 'powershell',
    docker: 'dockerfile',
    golang: 'go',
    text: 'plaintext',
  },
};

async function insert(text: string): Promise<string> {
  const editor = currentEditor();
  if (editor === undefined) {
    return l10n.t('No editor is open. Open the file that the code belongs in, and place the cursor there.');
  }
  const done = await editor.edit((edit) => {
    for (const selection of editor.selections) {
      edit.replace(selection, text);
    }
  });
  if (!done) {
    return l10n.t('{0} could not be changed.', nameOf(editor.document.uri));
  }
  await window.showTextDocument(editor.document, {
    viewColumn: editor.viewColumn ?? ViewColumn.Active,
    preview: false,
  });
  return '';
}

async function newFile(text: string, language: string): Promise<string> {
  const asked = language.toLowerCase();
  const name = Object.hasOwn(languageNames, asked) ? (languageNames[asked] ?? asked) : asked;
  const known = (await languages.getLanguages()).includes(name) ? name : 'plaintext';
  const document = await workspace.openTextDocument({ language: known, content: text });
  await window.showTextDocument(document, { preview: false });
  return '';
}

function filesOf(attachments: readonly Attachment[]): string[] {
  const kinds: readonly Attachment['kind'][] = ['file', 'selection', 'symbol'];
  return [...new Set(attachments.filter(({ kind }) => kinds.includes(kind)).map(({ uri }) => uri))];
}

async function ask(files: readonly Uri[], placeHolder: string): Promise<Uri | undefined> {
  const items = files.map((uri) => ({ label: nameOf(uri), uri }));
  return (
    await window.showQuickPick(items, { title: l10n.t('Niwaki: apply the code to a file'), placeHolder })
  )?.uri;
}

/** The file that code belongs in: the one that the answer names, or that was attached, or the open one. Where that is not clear, it is asked for. */
async function targetOf({ path, attachments }: CodeMessage): Promise<Uri | { readonly problem: string }> {
  const named = path === '' ? undefined : await findInWorkspace(readPlace(path).path);
  if (named !== undefined) {
    return named;
  }
  const attached = filesOf(attachments).map((uri) => Uri.parse(uri));
  const open = currentEditor()?.document.uri;
  const all = attached.length > 0 ? attached : open === undefined ? [] : [open];
  const inside = (await Promise.all(all.map(isInWorkspace))).flatMap((is, i) => (is ? [all[i] as Uri] : []));
  const [first, second] = inside;
  if (first === undefined) {
    return {
      problem:
        path === ''
          ? l10n.t(
              'There is no file of the workspace to apply it to. Open one, or open the code as a new file.',
            )
          : l10n.t('There is no file {0} in the workspace. Open the code as a new file instead.', path),
    };
  }
  if (second === undefined && path === '') {
    return first;
  }
  const why =
    path === ''
      ? l10n.t('Several files were attached')
      : l10n.t('There is no file {0} in the workspace', path);
  return (await ask(inside, why)) ?? { problem: l10n.t('Nothing was applied.') };
}

function attachedLines(attachments: readonly Attachment[], uri: Uri): Lines | undefined {
  const parts = attachments.filter(
    (one) => (one.kind === 'selection' || one.kind === 'symbol') && one.uri === uri.toString(),
  );
  const [part] = parts;
  return parts.length === 1 && part !== undefined && 'startLine' in part
    ? { start: part.startLine, end: part.endLine }
    : undefined;
}

function titleOf(name: string, { how, lines }: ApplyPlan): string {
  switch (how) {
    case 'file':
      return l10n.t('{0}: the whole file', name);
    case 'lines':
      return l10n.t('{0}: in the place of lines {1} to {2}', name, lines.start + 1, lines.end);
    case 'insert':
      return l10n.t('{0}: inserted at line {1}', name, lines.start + 1);
  }
}

async function apply(message: CodeMessage, proposals: Proposals): Promise<string> {
  const target = await targetOf(message);
  if ('problem' in target) {
    return target.problem;
  }
  const document = await workspace.openTextDocument(target);
  const text = document.getText();
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  const plan = planApply({
    text,
    code: message.text,
    attached: attachedLines(message.attachments, target),
    cursorLine: editor?.selection.active.line,
  });
  if (plan.result === text) {
    return l10n.t('{0} is like that already.', nameOf(target));
  }
  const { version } = document;
  await proposals.open(message.request, target, text, version, plan.result, titleOf(nameOf(target), plan));
  return '';
}

export async function runCodeAction(message: CodeMessage, proposals: Proposals): Promise<string> {
  switch (message.action) {
    case 'copy':
      await env.clipboard.writeText(message.text);
      return '';
    case 'insert':
      return insert(message.text.replace(/\n$/, ''));
    case 'newFile':
      return newFile(message.text, message.language);
    case 'apply':
      return apply(message, proposals);
  }
}
