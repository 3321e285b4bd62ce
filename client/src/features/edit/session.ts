/**
 * One edit in place: what is asked, what has come of it so far, and what of that was decided. The document is untouched until something is accepted;
 * what happens to it meanwhile is carried into what is open.
 */
import type { EditProblem, EditProgressNotification, EditRequest, EditTask, LineRange } from '#protocol';
import { minimalEdits } from '#protocol/minimalEdits';
import { applyEdits, type TextEdits } from '#protocol/textEdits';
import { lineStarts } from '#protocol/textLines';
import {
  CancellationTokenSource,
  l10n,
  Uri,
  workspace,
  type CancellationToken,
  type Disposable,
  type TextDocument,
  type TextDocumentChangeEvent,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { nameOf } from '../../insideWorkspace';
import type { Checker } from './check';
import type { Problem } from './problems';
import {
  carried,
  carriedRegion,
  editsOf,
  openParts,
  regionLines,
  shownOf,
  startReview,
  without,
  type Review,
  type Shown,
} from './review';
import { write } from './writing';

export interface Asked {
  readonly task: EditTask;
  readonly instruction: string;
  readonly problems: readonly EditProblem[];
  /** What an earlier try would have made of the range. */
  readonly tried: string;
}

/** A problem, by where it is shown: in a line of a part, or in a line that stays (part -1). */
export interface PlacedProblem extends Problem {
  readonly part: number;
  /** Among the part's shown lines. */
  readonly at: number;
}

export class EditSession implements Disposable {
  /** asking: the model is at it. deciding: there is nothing to wait for. */
  phase: 'asking' | 'deciding' = 'asking';
  progress: EditProgressNotification.Params | undefined;
  /** What went wrong, a sentence; '' = nothing. */
  problem = '';
  problems: readonly PlacedProblem[] = [];
  /** How many edits of the document were made. */
  steps = 0;
  /** Somebody else has changed the document since the first of them: undoing would take that back too. */
  private isMixed = false;
  /** The line of the document where something was accepted last. */
  lastLine: number | undefined;
  asked: Asked = { task: 'instruct', instruction: '', problems: [], tried: '' };
  review: Review;
  private region: { start: number; end: number };
  private shownReview: Review | undefined;
  private shownAs: Shown = { text: '', lines: [] };
  /** What has happened to the document since the model was asked; while it is at it. */
  private changes: TextEdits[] = [];
  private asking: CancellationTokenSource | undefined;
  private accepting:
    { readonly ids: readonly number[]; readonly edits: TextEdits; readonly expected: string } | undefined;
  private checking: CancellationTokenSource | undefined;
  private ended = false;

  constructor(
    private readonly context: NiwakiContext,
    public document: TextDocument,
    range: LineRange,
    /** Of the view. */
    readonly uri: Uri,
    /** Something looks different now. */
    private readonly onChange: () => void,
  ) {
    const text = document.getText();
    const starts = lineStarts(text);
    this.review = { text, parts: [] };
    this.region = { start: starts[range.start] ?? text.length, end: starts[range.end] ?? text.length };
  }

  get name(): string {
    return nameOf(this.document.uri);
  }

  get shown(): Shown {
    if (this.shownReview !== this.review) {
      this.shownReview = this.review;
      this.shownAs = shownOf(this.review);
    }
    return this.shownAs;
  }

  /** What the edit may change, in lines of the document as it is now. */
  get range(): LineRange {
    return regionLines(this.review.text, this.region);
  }

  /** How many undos take back all that was made, and nothing else; 0 = none do. */
  get undos(): number {
    return this.isMixed ? 0 : this.steps;
  }

  /** The document as it would be with all that is open. */
  get result(): string {
    return applyEdits(this.review.text, editsOf(this.review, this.openIds));
  }

  get openIds(): readonly number[] {
    return openParts(this.review).map(({ id }) => id);
  }

  /** What the region would be with all that is open. */
  get triedText(): string {
    const edits = editsOf(this.review, this.openIds);
    const { start, end } = carriedRegion(this.region.start, this.region.end, edits);
    return edits.length === 0 ? '' : this.result.slice(start, end);
  }

  /** Resolves when there is nothing to wait for any more. What was open is gone. */
  async ask(asked: Asked): Promise<void> {
    this.stop();
    this.checking?.cancel();
    if (this.isOver()) {
      return; // its view was closed while the user was asked what to do
    }
    const source = new CancellationTokenSource();
    this.asking = source;
    this.asked = asked;
    this.phase = 'asking';
    this.problem = '';
    this.problems = [];
    this.progress = undefined;
    this.changes = [];
    const gone = await this.reopen();
    this.review = { text: this.document.getText(), parts: [] };
    this.onChange();
    let problem: string;
    try {
      problem = this.document.isClosed ? gone : await this.askServer(asked, source.token);
    } catch (error) {
      this.context.log.warn(`An edit failed: ${error instanceof Error ? error.message : String(error)}`);
      problem = l10n.t('Niwaki’s process has ended or did not answer.');
    }
    if (this.asking !== source || this.ended) {
      return; // asked anew meanwhile
    }
    this.asking = undefined;
    this.changes = [];
    this.phase = 'deciding';
    this.problem = problem;
    this.onChange();
  }

  /** Ends what the model is at. What is there so far can be decided on. */
  stop(): void {
    this.asking?.cancel();
  }

  documentChanged({ document, contentChanges }: TextDocumentChangeEvent): void {
    const text = document.getText();
    if (text === this.review.text) {
      return;
    }
    const { accepting } = this;
    const isOurs = accepting?.expected === text;
    const given = contentChanges
      .map(({ rangeOffset, rangeLength, text: added }) => ({
        start: rangeOffset,
        end: rangeOffset + rangeLength,
        text: added,
      }))
      .sort((a, b) => a.start - b.start);
    this.carry(text, isOurs ? accepting.edits : given, isOurs ? accepting.ids : []);
  }

  /** '' = done; else why not, a sentence; undefined = there was nothing to do. The parts are one edit of the document, and undone as one. */
  async accept(ids: readonly number[]): Promise<string | undefined> {
    const problem = await this.reopen();
    if (problem !== '') {
      return problem;
    }
    const { review, region } = this;
    const edits = editsOf(review, ids);
    const { text } = review;
    const [first] = edits;
    if (first === undefined || this.accepting !== undefined) {
      return undefined;
    }
    this.accepting = { ids, edits, expected: applyEdits(text, edits) };
    const refusal = await write(this.document, text, edits);
    this.accepting = undefined;
    if (refusal === '') {
      this.steps += 1;
      this.lastLine = this.document.positionAt(first.start).line;
      this.onChange();
    } else if (this.review !== review && this.document.getText() === text) {
      // It was made and taken back again: what was open is open still.
      this.review = review;
      this.region = region;
      this.onChange();
    }
    return refusal;
  }

  reject(ids: readonly number[]): void {
    this.review = without(this.review, ids);
    this.onChange();
  }

  /** The document has another name now. */
  renamed(document: TextDocument): void {
    this.document = document;
    const text = document.getText();
    if (text === this.review.text) {
      this.onChange();
    } else {
      // Tools change what a file imports when it moves, before anybody hears of its new name.
      this.carry(text, minimalEdits(this.review.text, text), []);
    }
  }

  private isOver(): boolean {
    return this.ended;
  }

  dispose(): void {
    this.ended = true;
    this.checking?.cancel();
    this.stop();
  }

  /** Finds the document again where it was closed meanwhile. '' = it is there; else a sentence. */
  private async reopen(): Promise<string> {
    if (!this.document.isClosed) {
      return '';
    }
    const gone = l10n.t('{0} is not there any more. What was accepted before stays.', this.name);
    if (this.document.isUntitled) {
      return gone; // VS Code would make an empty one of that name
    }
    try {
      this.document = await workspace.openTextDocument(this.document.uri);
    } catch {
      return gone;
    }
    const text = this.document.getText();
    if (text === this.review.text) {
      return '';
    }
    this.carry(text, minimalEdits(this.review.text, text), []);
    return l10n.t('{0} has changed meanwhile. Look at the change once more.', this.name);
  }

  private carry(text: string, given: TextEdits, accepted: readonly number[]): void {
    const before = this.review.text;
    // A change of line ends, for one, comes without saying what has changed.
    const edits = isSameText(before, given, text) ? given : minimalEdits(before, text);
    this.isMixed ||= this.steps > 0 && accepted.length === 0;
    if (this.phase === 'asking') {
      this.changes.push(edits);
    }
    this.region = carriedRegion(this.region.start, this.region.end, edits);
    this.review = carried(without(this.review, accepted), text, edits);
    this.onChange();
  }

  private async askServer(asked: Asked, token: CancellationToken): Promise<string> {
    const client = await this.context.server.edits();
    // What was typed while the server started is in the text that the model is asked about: carried over once more, it would move every edit.
    this.changes = [];
    const { text } = this.review;
    const params: Omit<EditRequest.Params, 'job'> = {
      uri: this.document.uri.toString(),
      version: this.document.version,
      range: this.range,
      ...asked,
    };
    let taken = '';
    const take = (edits: TextEdits): void => {
      // Between two lines that the model finishes, they are the same again and again.
      const given = JSON.stringify(edits);
      if (token.isCancellationRequested || this.ended || given === taken) {
        return;
      }
      taken = given;
      this.review = carried(startReview(text, edits), this.review.text, ...this.changes);
    };
    const result = await client.propose(
      params,
      (progress) => {
        this.progress = progress;
        take(progress.edits);
        this.onChange();
      },
      token,
    );
    if (result.cancelled || token.isCancellationRequested) {
      return l10n.t('Stopped.');
    }
    if (result.problem !== '') {
      return result.problem;
    }
    // The document may have another name by now.
    const change = result.changes.find(({ uri }) => Uri.parse(uri).toString() === params.uri);
    take(change?.edits ?? []);
    if (this.review.parts.length === 0) {
      return l10n.t('The model would change nothing.');
    }
    this.addProblems((change?.broken ?? []).map(({ line, message }) => ({ line, message, code: '' })));
    return '';
  }

  /** Problems of the result, in its lines. */
  addProblems(problems: readonly Problem[]): void {
    const shown = this.shown.lines
      .map((line, index) => ({ ...line, index }))
      .filter(({ kind }) => kind === 'same' || kind === 'added');
    this.problems = [
      ...this.problems,
      ...problems.map((problem) => {
        const line = shown[Math.min(problem.line, shown.length - 1)];
        const part = line?.part ?? -1;
        const first = this.shown.lines.findIndex((one) => one.part === part);
        return { ...problem, part, at: part < 0 ? 0 : (line?.index ?? first) - first };
      }),
    ];
    this.onChange();
  }

  /** Has the language's own tools look at the result. Their words count more than the parser's, which are in `problems` already. */
  async check(checker: Checker): Promise<void> {
    const { review } = this;
    this.checking?.cancel();
    const source = new CancellationTokenSource();
    this.checking = source;
    const added = await checker.added(this.document, review.text, this.result, source.token);
    if (added.length > 0 && this.review === review && !source.token.isCancellationRequested) {
      const broken = this.problems.filter(({ line }) => !added.some((one) => one.line === line));
      this.problems = [];
      this.addProblems([...added, ...broken]);
    }
  }

  /** Of those that belong to what is still open. */
  get openProblems(): readonly PlacedProblem[] {
    const open = this.openIds;
    return open.length === 0 ? [] : this.problems.filter(({ part }) => part < 0 || open.includes(part));
  }
}

function isSameText(before: string, edits: TextEdits, after: string): boolean {
  try {
    return applyEdits(before, edits) === after;
  } catch {
    return false;
  }
}
