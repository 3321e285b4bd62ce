/**
 * The documents that the user works with, the latest first, as far as a model may be shown them. Texts come from the editor; of files
 * that were closed the last text is kept for a while.
 */
import { decodedPath } from '../util/decodedPath';
import { locate, type Located, type WorkspaceFolder } from './folders';
import type { Exclusion } from './ignore/ignoreRules';
import { isSecretName } from './ignore/secrets';
import { isWrittenByPeople } from './text/lines';

/** A document as the editor has it: its text changes. */
export interface LiveDocument {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
  getText(): string;
}

/** A text that may be shown, as it is in this moment. */
export interface RecentText {
  readonly uri: string;
  /** In the workspace folder, with forward slashes. */
  readonly path: string;
  readonly languageId: string;
  readonly text: string;
  /** Whether the user has changed it since it was opened. */
  readonly edited: boolean;
}

interface Entry {
  readonly document: LiveDocument;
  readonly openedVersion: number;
  /** Undefined = the document is open. */
  closedText: string | undefined;
  verdict: Exclusion | 'unknown' | undefined;
  /** What was found out of a text: texts are asked for with every keystroke, and most have not changed. */
  looked: { readonly text: string; readonly fits: boolean } | undefined;
}

/** Nobody goes back and forth between more. */
const mostDocuments = 20;
const mostClosed = 8;
/** Characters. Larger files are seldom written by hand. */
const mostCharacters = 512 * 1024;
const mostClosedCharacters = 64 * 1024;

/** The place that a document without a file has: it belongs to no folder, and there are no rules for it. */
export function isUntitled(uri: string): boolean {
  return uri.startsWith('untitled:');
}

function isEdited({ document, openedVersion }: Entry): boolean {
  return document.version > openedVersion;
}

/** Whether a text is of a size and a kind that people write. */
function fits(entry: Entry, text: string): boolean {
  if (entry.looked?.text !== text) {
    const good = text.length <= mostCharacters && /\S/.test(text) && isWrittenByPeople(text);
    entry.looked = { text, fits: good };
  }
  return entry.looked.fits;
}

export class RecentDocuments {
  /** In order of use, the latest last. */
  private readonly entries = new Map<string, Entry>();
  private folders: readonly WorkspaceFolder[] = [];
  /** Verdicts by rules or folders that do not hold any more count for nothing, whenever they come. */
  private rulesVersion = 0;

  constructor(private readonly verdictOf: (file: Located) => Promise<Exclusion | undefined>) {}

  /** Other folders, or other rules: no document may be shown before it has been judged by them. */
  setFolders(folders: readonly WorkspaceFolder[]): void {
    this.folders = folders;
    this.rulesVersion += 1;
    for (const entry of this.entries.values()) {
      entry.verdict = 'unknown';
    }
  }

  locate(uri: string): Located | undefined {
    return locate(uri, this.folders);
  }

  /** What documents must have in common to be shown beside each other: the workspace folder, '' = none. */
  groupOf(uri: string): string {
    return this.locate(uri)?.folder.uri ?? '';
  }

  opened(document: LiveDocument): void {
    this.entries.delete(document.uri);
    this.entries.set(document.uri, {
      document,
      openedVersion: document.version,
      closedText: undefined,
      verdict: 'unknown',
      looked: undefined,
    });
    void this.judge(document.uri);
  }

  /** The user is there, or has typed there. */
  used(uri: string): void {
    const entry = this.entries.get(uri);
    if (entry !== undefined) {
      this.entries.delete(uri);
      this.entries.set(uri, entry);
    }
  }

  closed(uri: string): void {
    const entry = this.entries.get(uri);
    if (entry === undefined) {
      return;
    }
    const text = entry.document.getText();
    if (isUntitled(uri) || text.length > mostClosedCharacters) {
      this.entries.delete(uri); // a document that was thrown away is gone
      return;
    }
    entry.closedText = text;
    const closed = [...this.entries].filter(([, { closedText }]) => closedText !== undefined);
    for (const [old] of closed.slice(0, -mostClosed)) {
      this.entries.delete(old);
    }
  }

  clear(): void {
    for (const [uri, { closedText }] of this.entries) {
      if (closedText !== undefined) {
        this.entries.delete(uri);
      }
    }
  }

  /** The open document with this URI. */
  live(uri: string): LiveDocument | undefined {
    const entry = this.entries.get(uri);
    return entry?.closedText === undefined ? entry?.document : undefined;
  }

  /** Whether the document is open and the user has changed it since. */
  isEdited(uri: string): boolean {
    const entry = this.entries.get(uri);
    return entry !== undefined && entry.closedText === undefined && isEdited(entry);
  }

  /** Asks again what may be shown. */
  async judgeAll(): Promise<void> {
    await Promise.all([...this.entries.keys()].map((uri) => this.judge(uri)));
  }

  /** Texts that may stand beside the document in a prompt, the latest used first; never its own. */
  textsFor(uri: string): readonly RecentText[] {
    const group = this.groupOf(uri);
    const shown: RecentText[] = [];
    for (const [other, entry] of [...this.entries].reverse()) {
      if (other === uri || entry.verdict !== undefined || shown.length >= mostDocuments) {
        continue;
      }
      const located = this.locate(other);
      if (located === undefined ? !isUntitled(other) || group !== '' : located.folder.uri !== group) {
        continue;
      }
      const text = entry.closedText ?? entry.document.getText();
      if (fits(entry, text)) {
        shown.push({
          uri: other,
          path: located?.path ?? other.slice('untitled:'.length),
          languageId: entry.document.languageId,
          text,
          edited: isEdited(entry),
        });
      }
    }
    return shown;
  }

  private async judge(uri: string): Promise<void> {
    const { rulesVersion } = this;
    const located = this.locate(uri);
    const verdict =
      located === undefined
        ? this.verdictWithoutFolder(uri)
        : await this.verdictOf(located).catch(() => 'unknown' as const);
    const entry = this.entries.get(uri);
    if (entry !== undefined && rulesVersion === this.rulesVersion) {
      entry.verdict = verdict;
    }
  }
  private verdictWithoutFolder(uri: string): Exclusion | undefined {
    return isSecretName(decodedPath(uri)) ? 'secret' : undefined;
  }
}
