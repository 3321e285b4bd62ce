/**
 * Whether a change adds errors, as the language's own tools see it, before it is made: a copy of the document, of the same language and path but a
 * scheme of its own, gets the old text and then the new one, and what is said of the two is compared. Tools that know only files say nothing of it.
 *
 * VS Code's TypeScript looks at documents in tabs alone, and says of other schemes what is wrong with their syntax alone; but it answers when it is
 * asked (`typescript.tsserverRequest`, where VS Code has it). It reads the copy by itself, with the settings of a loose file: what the copy imports it
 * does not find, before as after, and what is wrong with the use of that goes unnoticed until the change is made.
 */
import {
  commands,
  DiagnosticSeverity,
  Disposable,
  EventEmitter,
  languages,
  Uri,
  workspace,
  type CancellationToken,
  type Diagnostic,
  type TextDocument,
} from 'vscode';
import { addedProblems, withoutRepeats, type Problem } from './problems';

const scheme = 'niwaki-check';
/** Milliseconds that tools have to say anything of the old text, and then of the new one. */
const patienceMs = 3_000;
/** Nothing more for so long, and what was said is all. */
const settledMs = 400;
/** Of a request to TypeScript's server. */
const requestMs = 5_000;

const typescriptIds = new Set(['typescript', 'typescriptreact', 'javascript', 'javascriptreact']);
const typescriptCommand = 'typescript.tsserverRequest';

function problemOf({ range, message, code }: Diagnostic): Problem {
  const value = typeof code === 'object' ? code.value : code;
  return { line: range.start.line, message, code: value === undefined ? '' : String(value) };
}

/** What is said of a document now. */
export function errorsOf(uri: Uri): readonly Problem[] {
  return languages
    .getDiagnostics(uri)
    .filter(({ severity }) => severity === DiagnosticSeverity.Error)
    .map(problemOf);
}

/** Resolves when nothing more was said of a document for a while, or when it is too late: whether anything was. */
export function settled(uri: Uri, token: CancellationToken, ms = patienceMs): Promise<boolean> {
  return new Promise((resolve) => {
    let said = false;
    const end = (): void => {
      clearTimeout(late);
      clearTimeout(quiet);
      subscriptions.dispose();
      resolve(said);
    };
    let quiet: NodeJS.Timeout | undefined;
    const late = setTimeout(end, ms);
    const subscriptions = Disposable.from(
      languages.onDidChangeDiagnostics(({ uris }) => {
        if (uris.some((one) => one.toString() === uri.toString())) {
          said = true;
          clearTimeout(quiet);
          quiet = setTimeout(end, settledMs);
        }
      }),
      token.onCancellationRequested(end),
    );
  });
}

async function within<T>(asked: Thenable<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** As TypeScript's server answers; undefined = it does not. */
function readAnswer(answer: unknown): Problem[] | undefined {
  const { body } = (answer ?? {}) as { body?: unknown };
  if (!Array.isArray(body)) {
    return undefined;
  }
  return (body as unknown[]).flatMap((one): Problem[] => {
    const { text, code, category, start } = one as Record<string, unknown> & {
      start?: { line?: unknown };
    };
    return category === 'error' && typeof text === 'string'
      ? [
          {
            line: Math.max(0, Number(start?.line ?? 1) - 1),
            message: text,
            code: typeof code === 'number' ? String(code) : '',
          },
        ]
      : [];
  });
}

async function askTypeScript(file: Uri): Promise<readonly Problem[] | undefined> {
  const found: Problem[] = [];
  for (const request of ['syntacticDiagnosticsSync', 'semanticDiagnosticsSync']) {
    const asked = commands.executeCommand(typescriptCommand, request, { file });
    const problems = readAnswer(await within(asked, requestMs));
    if (problems === undefined) {
      return undefined;
    }
    found.push(...problems);
  }
  return found;
}

export class Checker implements Disposable {
  private readonly contents = new Map<string, string>();
  private readonly changed = new EventEmitter<Uri>();
  private readonly registration: Disposable;
  private made = 0;

  constructor() {
    this.registration = workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: this.changed.event,
      provideTextDocumentContent: (uri) => this.contents.get(uri.toString()) ?? '',
    });
  }

  /** Errors of `after` that are not in `before`, in its lines. [] where nobody says. */
  async added(
    document: TextDocument,
    before: string,
    after: string,
    token: CancellationToken,
  ): Promise<readonly Problem[]> {
    this.made += 1;
    const { path } = document.uri;
    // A path of its own: tools tell files apart by it.
    const name = `${path.startsWith('/') ? '' : '/'}${path.replace(/([^/]*)$/, `niwaki-${String(this.made)}-$1`)}`;
    const uri = Uri.from({ scheme, path: name });
    this.contents.set(uri.toString(), before);
    try {
      const copy = await workspace.openTextDocument(uri);
      if (copy.languageId !== document.languageId) {
        await languages.setTextDocumentLanguage(copy, document.languageId);
      }
      const isTypeScript = typescriptIds.has(document.languageId);
      const known = isTypeScript ? await askTypeScript(uri) : await this.wait(uri, token);
      if (known === undefined || token.isCancellationRequested) {
        return [];
      }
      await this.replace(uri, after);
      const found = isTypeScript ? await askTypeScript(uri) : await this.wait(uri, token);
      return addedProblems(known, withoutRepeats(found ?? []));
    } catch {
      return []; // what cannot be checked is not called wrong
    } finally {
      // VS Code keeps the copy for some minutes; nothing is said of an empty one.
      this.contents.delete(uri.toString());
      this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  private async wait(uri: Uri, token: CancellationToken): Promise<readonly Problem[] | undefined> {
    const said = await settled(uri, token);
    return said || languages.getDiagnostics(uri).length > 0 ? errorsOf(uri) : undefined;
  }

  private async replace(uri: Uri, text: string): Promise<void> {
    let subscription: Disposable | undefined;
    const arrived = new Promise<void>((resolve) => {
      subscription = workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.toString() === uri.toString()) {
          resolve();
        }
      });
    });
    this.contents.set(uri.toString(), text);
    this.changed.fire(uri);
    await within(arrived, patienceMs);
    subscription?.dispose();
  }
}
