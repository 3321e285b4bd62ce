/** Proposals over a scripted engine, with all that they need. */
import { applyEdits, type EditRequest } from '#protocol';
import { Proposer, type EditedDocument, type EditProgress } from '#server/edit/index';
import { ScriptedEngine, type ScriptedOptions } from '#server/engine/scripted';
import { automaticChoice, ChatFormats, ChatModel, ModelHost } from '#server/models/index';
import { ChosenFiles } from '#server/workspace/chosenFiles';
import { template } from '../chat/chatSupport';
import { realSyntax } from '../syntax/support';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const syntax = realSyntax();
const memory = { total: 16e9, free: 12e9 };

export interface TestEdits {
  readonly engine: ScriptedEngine;
  readonly host: ModelHost;
  readonly progress: EditProgress[];
  document: EditedDocument;
  ask(
    asked?: Partial<Omit<EditRequest.Params, 'job'>>,
    signal?: AbortSignal,
    onProgress?: (progress: EditProgress) => void,
  ): Promise<EditRequest.Result>;
  /** The document's tab. */
  close(): Promise<void>;
  /** What the result makes of the document. */
  applied(result: EditRequest.Result): string;
}

export interface TestEditOptions {
  readonly text: string;
  readonly uri?: string;
  readonly languageId?: string;
  readonly folders?: readonly string[];
}

export function testEdits(
  options: ScriptedOptions,
  { text, uri = 'untitled:Untitled-1', languageId = 'typescript', folders = [] }: TestEditOptions,
): TestEdits {
  const metadata = { 'general.name': 'Scripted', 'tokenizer.chat_template': template };
  const engine = new ScriptedEngine({ contextLength: 8192, ...options, info: { metadata, ...options.info } });
  const common = { engine, embeddedPath: 'embedded.gguf', log, memory: () => memory };
  const choice = { ...automaticChoice, path: 'talks.gguf' };
  const host = new ModelHost(common);
  host.expect(choice);
  const model = new ChatModel({
    ...{ engine, completion: host, library: undefined, choice: () => choice },
    own: new ModelHost({ ...common, fallback: false }),
  });
  const progress: EditProgress[] = [];
  const edits: TestEdits = {
    ...{ engine, host, progress },
    document: { uri, languageId, version: 1, text },
    ask: (asked = {}, signal = new AbortController().signal, onProgress = () => undefined) =>
      proposer.propose(
        {
          ...{ uri, version: 1, range: { start: 0, end: 1 }, task: 'instruct', instruction: 'Do it' },
          ...{ problems: [], tried: '', ...asked },
        },
        signal,
        (step) => {
          progress.push(step);
          onProgress(step);
        },
      ),
    close: () => proposer.forget(uri),
    applied: ({ changes }) => applyEdits(edits.document.text, changes[0]?.edits ?? []),
  };
  const files = new ChosenFiles(() => [{ uri, getText: () => edits.document.text }]);
  files.configure({ exclude: [], folders });
  const proposer = new Proposer({
    ...{ engine, model, files, syntax, formats: new ChatFormats(engine, model) },
    folders: () => folders,
    document: (asked) => (asked === edits.document.uri ? edits.document : undefined),
  });
  return edits;
}
