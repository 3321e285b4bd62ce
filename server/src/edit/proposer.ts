/**
 * How a proposal comes about: which lines may change, what the model is shown and in which form it answers, the answer under a mask, and
 * what that makes of the document. It changes nothing, and gives out nothing of an answer that did not come to its end.
 */
import type { EditProgressNotification, EditRequest, TextEdits } from '#protocol';
import { isCancelled, EngineError, type EnginePort } from '../engine';
import { lookupPays, type ChatFormats, type ChatModel, type LoadedModel } from '../models';
import type { Syntax } from '../syntax';
import type { ChosenFiles, Refused } from '../workspace';
import { brokenBy } from './broken';
import { certainEdits, editsOf, type Answered } from './changes';
import { decode, effortOf, type Decoded } from './decode';
import { DocumentLines } from './lines';
import { planEdit, type EditPlan } from './plan';
import { EditSessions } from './sessions';
import { planTests, testEdits, testTarget, type TestsRequest } from './testFile';

/** A document as it was when the edit was asked for. */
export interface EditedDocument {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
  readonly text: string;
}

export interface ProposerOptions {
  readonly engine: EnginePort;
  readonly model: ChatModel;
  readonly formats: ChatFormats;
  readonly files: ChosenFiles;
  readonly syntax: Pick<Syntax, 'faultsOf' | 'moduleOf'>;
  /** Undefined = it is not open in the editor. */
  readonly document: (uri: string) => EditedDocument | undefined;
  /** URIs of the workspace's folders. */
  readonly folders: () => readonly string[];
  /** Whether battery and ears are to be spared: half of the threads compute then. Absent = no. */
  readonly quiet?: () => Promise<boolean>;
}

export type EditProgress = Omit<EditProgressNotification.Params, 'job'>;

type Asked = Omit<EditRequest.Params, 'job'>;

interface Work {
  readonly document: EditedDocument;
  readonly asked: Asked;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: EditProgress) => void;
}

const modelGone = 'The model was unloaded while it wrote: another was chosen, or its settings have changed.';
const refusals: Readonly<Record<Refused, string>> = {
  secret: 'This file is kept from models: its name says that it holds secrets.',
  niwakiignore: 'This file is kept from models by a .niwakiignore.',
  outside: 'This file is not in the workspace, and not open in the editor.',
  unreadable: 'This file cannot be read as text.',
};

function refuse(problem: string): EngineError {
  return new EngineError('invalid_argument', problem);
}

export class Proposer {
  private readonly sessions: EditSessions;

  constructor(private readonly options: ProposerOptions) {
    this.sessions = new EditSessions(options.engine);
  }

  /** Never rejects. */
  async propose(
    asked: Asked,
    signal: AbortSignal,
    onProgress: (progress: EditProgress) => void,
  ): Promise<EditRequest.Result> {
    const nothing = { problem: '', cancelled: false, changes: [], form: 'rewrite', figures: null } as const;
    try {
      const document = await this.snapshot(asked);
      onProgress({ phase: 'loading', share: 0, edits: [], tokens: 0 });
      return await this.options.model.use(signal, (model) =>
        this.edit({ document, asked, signal, onProgress }, model),
      );
    } catch (error) {
      if (signal.aborted) {
        return { ...nothing, cancelled: true };
      }
      const reason = error instanceof Error ? error.message : String(error);
      return { ...nothing, problem: isCancelled(error) ? modelGone : reason };
    }
  }

  /** Of a document that is closed: what is remembered of it. */
  async forget(uri: string): Promise<void> {
    await this.sessions.forget(uri);
  }

  private async snapshot({ uri, version }: Asked): Promise<EditedDocument> {
    const document = this.options.document(uri);
    if (document === undefined) {
      throw refuse('The document is not open in the editor any more.');
    }
    if (document.version !== version) {
      throw refuse('The document has changed since the edit was asked for. Ask again.');
    }
    const file = await this.options.files.read(uri);
    if (typeof file === 'string') {
      throw refuse(refusals[file]);
    }
    return document;
  }

  private async edit(work: Work, model: LoadedModel): Promise<EditRequest.Result> {
    const { document, asked } = work;
    const { engine, files, formats } = this.options;
    const format = await formats.of(model);
    const lines = new DocumentLines(document.text);
    const range = lines.within(asked.range);
    const what = {
      model,
      format,
      lines,
      range,
      asked,
      languageId: document.languageId,
      path: files.pathOf(document.uri),
    };
    if (asked.task === 'tests') {
      return this.tests(work, model, what);
    }
    const plan = await planEdit({ engine, ...what });
    const { form } = plan;
    const answered: Answered = { lines, range, form };
    const { text, figures } = await this.say(work, model, plan, (said) => certainEdits(said, answered));
    const { edits, problem } = editsOf(text, answered);
    if (problem !== '') {
      throw new EngineError('internal', `What the model wrote cannot be applied: ${problem}`);
    }
    return { problem: '', cancelled: false, form, figures, changes: await this.changes(document, edits) };
  }

  /** In a file of their own. Nothing of them is certain before they are done. */
  private async tests(
    work: Work,
    model: LoadedModel,
    what: Omit<TestsRequest, 'target'>,
  ): Promise<EditRequest.Result> {
    const { document } = work;
    const target = await testTarget(this.options.files, this.options.folders(), document.uri);
    const plan = await planTests({ ...what, target });
    const { text, figures } = await this.say(work, model, plan, () => []);
    const there = this.options.document(target.uri);
    if (target.text !== undefined && there !== undefined && there.text !== target.text) {
      throw refuse('The file of tests has changed meanwhile. Ask again.');
    }
    const edits = await testEdits(text, target, document, this.options.syntax);
    const changed = { text: target.text ?? '', languageId: document.languageId };
    const broken = edits.length === 0 ? [] : await brokenBy(this.options.syntax, changed, edits);
    const version = there?.version ?? null;
    return {
      ...{ problem: '', cancelled: false, form: plan.form, figures },
      changes:
        edits.length === 0
          ? []
          : [
              {
                ...{ uri: target.uri, version, length: changed.text.length },
                ...{ exists: target.text !== undefined, edits, broken },
              },
            ],
    };
  }

  private async changes(document: EditedDocument, edits: TextEdits): Promise<EditRequest.Result['changes']> {
    if (edits.length === 0) {
      return [];
    }
    const broken = await brokenBy(this.options.syntax, document, edits);
    const { uri, version, text } = document;
    return [{ uri, version, length: text.length, exists: true, edits, broken }];
  }

  /** The answer, whole. `certain`: the edits that what was said so far makes certain. */
  private async say(
    { document, signal, onProgress }: Work,
    model: LoadedModel,
    plan: EditPlan,
    certain: (said: string) => TextEdits,
  ): Promise<Decoded> {
    const format = await this.options.formats.of(model);
    const isQuiet = (await this.options.quiet?.()) === true;
    onProgress({ phase: 'waiting', share: 0, edits: [], tokens: 0 });
    let edits: TextEdits = [];
    let lineEnds = 0;
    const decoded = await this.sessions.with(document.uri, model, (session) =>
      decode({
        ...{ session, format, signal, tokens: plan.tokens, maxTokens: plan.maxTokens, closing: plan.closing },
        ...{ fence: plan.fence, grammar: plan.grammar, effort: effortOf(model.info.threads, isQuiet) },
        ...(lookupPays(model) && { lookup: plan.expected.length > 0 ? { expected: plan.expected } : {} }),
        onReading: (share) => {
          onProgress({ phase: 'reading', share, edits: [], tokens: 0 });
        },
        onText: (said, tokens) => {
          const finished = said.split('\n').length;
          edits = finished > lineEnds ? certain(said) : edits;
          lineEnds = finished;
          const share = Math.min(1, tokens / Math.max(1, plan.likely));
          onProgress({ phase: 'writing', share, edits, tokens });
        },
      }),
    );
    if (decoded.cut) {
      throw new EngineError(
        'context_overflow',
        `The answer did not come to its end within ${plan.maxTokens.toLocaleString('en-US')} tokens. Select fewer lines, or ask for less.`,
      );
    }
    return decoded;
  }
}
