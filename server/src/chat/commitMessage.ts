/** A commit message for a diff: one answer without a conversation. */
import type { CommitMessageRequest } from '#protocol';
import type { ChatFormat, PromptMessage, ThoughtSplitter } from '../conversation';
import { EngineError, EngineSession, isCancelled, Priority, type EnginePort } from '../engine';
import type { ChatModel, LoadedModel } from '../models';
import type { ChosenFiles } from '../workspace';
import type { Answerer } from './answerer';
import { promptBudget } from './budget';
import { shownDiff, diffSections } from '../attachments';

export interface CommitMessageDeps {
  readonly engine: EnginePort;
  readonly model: ChatModel;
  readonly answerer: Answerer;
  readonly files: ChosenFiles;
}

/** Tokens: a subject and a short body. */
const mostTokens = 256;
/** Subjects that show the style. */
const mostRecent = 8;
const longestSubject = 120;

const system =
  'You write commit messages. Answer with the message alone: a subject of at most 72 characters in the imperative that says what changes and why, and, only where it is ' +
  'needed, an empty line and a few short lines more. No code fence, no quotes, no explanation.';

/** Without what models like to put around a message; nothing is taken out of it. */
export function bareMessage(text: string): string {
  const trimmed = text.trim();
  const fenced = trimmed.replace(/^```[^\n]*\n/, '').replace(/\n?```$/, '');
  const named = fenced.trim().replace(/^(?:commit message|message|subject):\s*/i, '');
  const [, quote = '', quoted = ''] = /^(["'`])([^]*)\1$/.exec(named) ?? [];
  return (quote === '' || quoted.includes(quote) ? named : quoted).trim();
}

function question(diff: string, recent: readonly string[]): string {
  const style = recent
    .slice(0, mostRecent)
    .map((subject) => `- ${subject.replaceAll(/\s+/g, ' ').slice(0, longestSubject)}`);
  return [
    ...(style.length === 0
      ? []
      : [`The last commits of this repository, whose style is to be followed:\n${style.join('\n')}`]),
    `The changes to be committed:\n\n${diff}`,
    'Write the commit message.',
  ].join('\n\n');
}

/** Whole files while they fit, then the first lines of the next; what is not shown is listed by name. */
async function fitDiff(
  diff: string,
  fits: (diff: string) => Promise<boolean>,
): Promise<{ readonly text: string; readonly leftOut: readonly string[] }> {
  if (await fits(diff)) {
    return { text: diff, leftOut: [] };
  }
  const sections = [...diffSections(diff)].sort((a, b) => a.text.length - b.text.length);
  const kept: string[] = [];
  const leftOut: string[] = [];
  for (const { path, text } of sections) {
    const lines = text.split('\n');
    let shown = '';
    for (let count = lines.length; count >= 8 && shown === ''; count = Math.floor(count / 2)) {
      const part = lines.slice(0, count).join('\n');
      shown = (await fits([...kept, part].join('\n'))) ? part : '';
    }
    if (shown !== '') {
      kept.push(shown);
    }
    if (shown !== text) {
      leftOut.push(path);
    }
  }
  return { text: kept.join('\n'), leftOut };
}

function inWords(hidden: readonly string[], leftOut: readonly string[]): string {
  const name = (paths: readonly string[]): string =>
    paths.length <= 3
      ? paths.join(', ')
      : `${paths.slice(0, 2).join(', ')} and ${String(paths.length - 2)} more`;
  return [
    ...(hidden.length === 0 ? [] : [`Kept from models: ${name(hidden)}.`]),
    ...(leftOut.length === 0 ? [] : [`Not shown, or not whole, because it does not fit: ${name(leftOut)}.`]),
  ].join(' ');
}

async function write(
  deps: CommitMessageDeps,
  { diff, root, recent }: Omit<CommitMessageRequest.Params, 'job'>,
  model: LoadedModel,
  format: ChatFormat,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<Omit<CommitMessageRequest.Result, 'problem' | 'cancelled'>> {
  const { text: allowed, hidden } = await shownDiff(deps.files, diff, root);
  if (allowed.trim() === '') {
    throw new EngineError(
      'invalid_argument',
      `There is nothing to describe: ${hidden.length > 0 ? 'all changed files are kept from models' : 'nothing is staged'}.`,
    );
  }
  const promptOf = (shown: string): readonly PromptMessage[] => [
    { role: 'system', content: system },
    { role: 'user', content: question(shown, recent) },
  ];
  const room = Math.max(promptBudget(model.kv.context), model.kv.context - 2 * mostTokens);
  const tokensOf = (shown: string): ReturnType<ChatFormat['render']> =>
    format.render(promptOf(shown), { thinking: false });
  const { text: shown, leftOut } = await fitDiff(
    allowed,
    async (part) => (await tokensOf(part)).length <= room,
  );
  if (shown === '') {
    throw new EngineError(
      'context_overflow',
      "The changes do not fit into the model's context. Stage fewer of them.",
    );
  }
  const session = await EngineSession.open(deps.engine, model.handle, model.kv.context, model.kv.codec, {
    user: 'chat',
  });
  try {
    const splitter = await format.splitter();
    let text = '';
    const add = (pieces: ReturnType<ThoughtSplitter['push']>): void => {
      text += pieces.map((piece) => (piece.part === 'text' ? piece.text : '')).join('');
    };
    const result = await session.generate(
      {
        tokens: await tokensOf(shown),
        maxTokens: mostTokens,
        priority: Priority.chat,
        sampling: { temperature: 0.2, topP: 0.9, topK: 20, seed: 1 },
        stopTokens: format.stopTokens,
      },
      {
        signal,
        onEvent: (event) => {
          if (event.kind === 'token') {
            add(splitter.push(event.text));
            onText(bareMessage(text));
          }
        },
      },
    );
    add(splitter.end());
    signal.throwIfAborted();
    if (result.reason === 'max_tokens') {
      text = text.slice(0, Math.max(text.lastIndexOf('\n'), 0)) || text; // no half line
    }
    return { text: bareMessage(text), leftOut: inWords(hidden, leftOut) };
  } finally {
    await session.close().catch(() => undefined);
  }
}

/** `onText` gets all of the message so far. Never rejects. */
export async function commitMessage(
  deps: CommitMessageDeps,
  params: Omit<CommitMessageRequest.Params, 'job'>,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<CommitMessageRequest.Result> {
  const nothing = { text: '', leftOut: '' };
  try {
    const written = await deps.model.use(signal, async (model) =>
      write(deps, params, model, await deps.answerer.formatOf(model), signal, onText),
    );
    const problem =
      written.text === '' ? 'The model has written nothing. Try again, or write the message yourself.' : '';
    return { ...written, problem, cancelled: false };
  } catch (error) {
    if (isCancelled(error) || signal.aborted) {
      return { ...nothing, problem: '', cancelled: true };
    }
    return { ...nothing, problem: error instanceof Error ? error.message : String(error), cancelled: false };
  }
}
