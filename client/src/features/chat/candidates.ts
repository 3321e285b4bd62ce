/** What can be chosen after `#`: found by VS Code's own means, and only what is in the workspace. */
import type { Attachment } from '#protocol';
import type { Candidate, CandidateKind } from '#protocol/chatPage';
import {
  commands,
  DocumentSymbol,
  l10n,
  languages,
  Uri,
  window,
  workspace,
  type Diagnostic,
  type SymbolInformation,
} from 'vscode';
import { nameOf } from '../../insideWorkspace';
import { currentEditor, labelOf, selectionIn } from './attachments';
import { allChanges } from './changes';
import { bestMatches } from './fuzzy';
import { problemsText } from './problemText';

const mostFiles = 20_000;
const mostShown = 50;
const filesStayMs = 10_000;

interface Found {
  readonly kind: CandidateKind;
  readonly label: string;
  readonly detail: string;
  readonly attachment: Attachment;
}

export interface CandidateList {
  readonly items: readonly Candidate[];
  readonly note: string;
}

function inWorkspace(uri: Uri): boolean {
  return workspace.getWorkspaceFolder(uri) !== undefined;
}

export class Candidates {
  /** The last lists', by their keys. */
  private readonly known = new Map<string, Attachment>();
  private files: { readonly at: number; readonly list: Promise<readonly Uri[]> } | undefined;

  async find(of: CandidateKind | '', query: string): Promise<CandidateList> {
    const found = await (of === '' ? this.ofAnyKind(query) : this.ofKind(of, query));
    const items = found.map(({ kind, label, detail, attachment }) => {
      const key = this.remember(attachment);
      return { key, kind, label, detail };
    });
    return { items, note: items.length === 0 && of !== '' ? this.why(of) : '' };
  }

  /** undefined = no list has shown it. */
  take(key: string): Attachment | undefined {
    return this.known.get(key);
  }

  private remember(attachment: Attachment): string {
    const key = `${String(this.known.size)} ${attachment.kind}`;
    if (this.known.size > 5_000) {
      this.known.clear();
    }
    this.known.set(key, attachment);
    return key;
  }

  private async ofAnyKind(query: string): Promise<readonly Found[]> {
    return [...(query === '' ? this.selections() : []), ...(await this.fileCandidates(query)).slice(0, 20)];
  }

  private async ofKind(kind: CandidateKind, query: string): Promise<readonly Found[]> {
    switch (kind) {
      case 'file':
        return this.fileCandidates(query);
      case 'folder':
        return this.folderCandidates(query);
      case 'selection':
        return this.selections();
      case 'symbol':
        return this.symbols(query);
      case 'problems':
        return this.problems();
      case 'changes':
        return this.changes();
    }
  }

  private why(kind: CandidateKind): string {
    switch (kind) {
      case 'selection':
        return l10n.t('Nothing is selected in an editor.');
      case 'symbol':
        return l10n.t('No symbol was found. Symbols come from the language support of the open file.');
      case 'problems':
        return l10n.t('There are no problems in the workspace.');
      case 'changes':
        return l10n.t('There are no changes, or no git repository is open.');
      default:
        return '';
    }
  }

  /** What files.exclude hides is not among them. */
  private allFiles(): Promise<readonly Uri[]> {
    if (this.files === undefined || Date.now() - this.files.at > filesStayMs) {
      const list = Promise.resolve(workspace.findFiles('**/*', undefined, mostFiles));
      this.files = { at: Date.now(), list };
    }
    return this.files.list;
  }

  private async fileCandidates(query: string): Promise<readonly Found[]> {
    const open = window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .flatMap(({ input }) =>
        typeof input === 'object' && input !== null && 'uri' in input && input.uri instanceof Uri
          ? [input.uri]
          : [],
      )
      .filter(inWorkspace);
    const all = new Map([...open, ...(await this.allFiles())].map((uri) => [uri.toString(), uri]));
    return bestMatches([...all.values()], nameOf, query, mostShown).map((uri) => this.file('file', uri));
  }

  private file(kind: 'file' | 'folder', uri: Uri): Found {
    const path = nameOf(uri);
    const slash = path.lastIndexOf('/');
    const attachment: Attachment = { kind, uri: uri.toString() };
    return { kind, label: path.slice(slash + 1), detail: slash < 0 ? '' : path.slice(0, slash), attachment };
  }

  private async folderCandidates(query: string): Promise<readonly Found[]> {
    const folders = new Map<string, Uri>();
    for (const file of await this.allFiles()) {
      const root = workspace.getWorkspaceFolder(file)?.uri;
      for (let folder = Uri.joinPath(file, '..'); root !== undefined; folder = Uri.joinPath(folder, '..')) {
        if (folder.path.length <= root.path.length || folders.has(folder.toString())) {
          break;
        }
        folders.set(folder.toString(), folder);
      }
    }
    return bestMatches([...folders.values()], nameOf, query, mostShown).map((uri) =>
      this.file('folder', uri),
    );
  }

  private selections(): readonly Found[] {
    const editor = currentEditor();
    const attachment = editor === undefined ? undefined : selectionIn(editor);
    return attachment === undefined || !inWorkspace(Uri.parse(attachment.uri))
      ? []
      : [{ kind: 'selection', label: labelOf(attachment), detail: l10n.t('selected now'), attachment }];
  }

  private async symbols(query: string): Promise<readonly Found[]> {
    const editor = currentEditor();
    const [own, everywhere] = await Promise.all([
      editor === undefined
        ? []
        : this.ask<(DocumentSymbol | SymbolInformation)[]>(
            'vscode.executeDocumentSymbolProvider',
            editor.document.uri,
          ),
      query === '' ? [] : this.ask<SymbolInformation[]>('vscode.executeWorkspaceSymbolProvider', query),
    ]);
    const here = editor === undefined ? [] : this.symbolsOf(editor.document.uri, own);
    const there = everywhere
      .filter(({ location }) => inWorkspace(location.uri))
      .map(({ name, location }) =>
        this.symbol(location.uri, name, location.range.start.line, location.range.end.line),
      );
    const all = [...here.filter(({ attachment }) => inWorkspace(Uri.parse(attachment.uri))), ...there];
    const once = new Map(all.map((found) => [JSON.stringify(found.attachment), found]));
    return bestMatches([...once.values()], ({ label }) => label, query, mostShown);
  }

  private async ask<T extends readonly unknown[]>(command: string, argument: unknown): Promise<T | []> {
    try {
      return (await commands.executeCommand<T | undefined>(command, argument)) ?? [];
    } catch {
      return []; // a language's own fault
    }
  }

  private symbolsOf(uri: Uri, symbols: readonly (DocumentSymbol | SymbolInformation)[]): Found[] {
    return symbols.flatMap((one) => {
      const range = 'location' in one ? one.location.range : one.range;
      const children = 'children' in one ? this.symbolsOf(uri, one.children) : [];
      return [this.symbol(uri, one.name, range.start.line, range.end.line), ...children];
    });
  }

  private symbol(uri: Uri, name: string, firstLine: number, lastLine: number): Found {
    const attachment: Attachment = {
      ...{ kind: 'symbol' as const, uri: uri.toString(), name: name.slice(0, 500) },
      ...{ startLine: firstLine, endLine: lastLine + 1 },
    };
    return { kind: 'symbol', label: name, detail: `${nameOf(uri)}:${String(firstLine + 1)}`, attachment };
  }

  private problems(): readonly Found[] {
    const all = languages.getDiagnostics().filter(([uri, list]) => list.length > 0 && inWorkspace(uri));
    const count = (list: readonly Diagnostic[]): string => l10n.t('{0} problems', list.length);
    const each = all.slice(0, mostShown).map(([uri, list]): Found => ({
      ...{ kind: 'problems', label: nameOf(uri), detail: count(list) },
      attachment: { kind: 'problems', uri: uri.toString(), text: problemsText([[uri, list]]) },
    }));
    return all.length < 2
      ? each
      : [
          {
            kind: 'problems',
            label: l10n.t('All problems'),
            detail: count(all.flatMap(([, list]) => list)),
            attachment: { kind: 'problems', uri: '', text: problemsText(all) },
          },
          ...each,
        ];
  }

  private async changes(): Promise<readonly Found[]> {
    return (await allChanges()).map(({ repository, staged, diff }) => ({
      kind: 'changes' as const,
      label: staged ? l10n.t('Staged changes') : l10n.t('Changes that are not staged'),
      detail: nameOf(repository),
      attachment: { kind: 'changes' as const, uri: repository.toString(), text: diff },
    }));
  }
}
