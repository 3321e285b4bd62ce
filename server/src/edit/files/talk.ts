/** One answer of a given form, without a conversation: what plans and texts of files have in common. */
import type { AttachedToFiles } from '#protocol';
import { fitAttachments, type Collected, type KeptAttachment } from '../../attachments';
import type { ChatFormat, PromptMessage } from '../../conversation';
import { EngineError, EngineSession, type EnginePort, type TokenId } from '../../engine';
import type { Grammar } from '../../grammar/grammar';
import { lookupPays, type ChatModel, type LoadedModel } from '../../models';
import { decode, effortOf, type Decoded } from '../decode';

export type Phase = 'loading' | 'waiting' | 'reading' | 'writing';

export interface TalkDeps {
  readonly engine: EnginePort;
  readonly model: ChatModel;
  /** Rejects with a sentence where the model cannot be talked to. */
  readonly formatOf: (model: LoadedModel) => Promise<ChatFormat>;
  /** Whether battery and ears are to be spared: half of the threads compute then. Absent = no. */
  readonly quiet?: () => Promise<boolean>;
}

export interface Asked {
  /** Shrinks with `room`, 1 to 0: how much of what may be left out is shown. `attached`: what is shown of what is attached, or ''. */
  readonly messages: (room: number, attached: string) => readonly PromptMessage[];
  readonly attached: readonly Collected[];
  readonly grammar: Grammar;
  /** Of the answer. */
  readonly mostTokens: number;
  /** Of the answer: for which there must be room. */
  readonly fewestTokens: number;
  readonly signal: AbortSignal;
  readonly onPhase: (phase: Phase) => void;
  /** All of it so far. */
  readonly onText: (text: string) => void;
}

/** `cut`: the tokens it might have ran out; it follows the grammar all the same, but was brought to its end. */
export type Said = Pick<Decoded, 'text' | 'cut'> & {
  readonly attached: readonly AttachedToFiles[];
};

/** Tokens at the end in which the grammar may already bring a text to its end. */
const closing = 15;
const rooms = [1, 0.6, 0.35, 0.2, 0.1, 0];
/** Of what the answer leaves of the context, what may be shown of attachments: the rest of the question needs room, too. */
const attachedShare = 0.75;

/** Rejects with an EngineError whose message may be shown, and as cancelled with the signal. */
export function talk(deps: TalkDeps, asked: Asked): Promise<Said> {
  asked.onPhase('loading');
  return deps.model.use(asked.signal, async (model) => {
    const format = await deps.formatOf(model);
    asked.onPhase('waiting');
    const { tokens, shown } = await fitted(deps, asked, model, format);
    return {
      ...(await answer(deps, asked, model, format, tokens)),
      attached: shown.map(({ label, shown: much, reason }) => ({ label, shown: much, reason })),
    };
  });
}

/** The fullest prompt that leaves enough room for the answer. */
async function fitted(
  { engine }: TalkDeps,
  { messages, attached, mostTokens, fewestTokens, signal }: Asked,
  model: LoadedModel,
  format: ChatFormat,
): Promise<{ readonly tokens: readonly TokenId[]; readonly shown: readonly KeptAttachment[] }> {
  const { context } = model.kv;
  const wanted = Math.max(fewestTokens, Math.min(mostTokens, Math.floor(context / 2)));
  const counted = new Map<string, number>();
  const count = async (text: string): Promise<number> => {
    signal.throwIfAborted();
    const tokens = counted.get(text) ?? (await engine.tokenize(model.handle, text, false)).length;
    counted.set(text, tokens);
    return tokens;
  };
  for (const [i, room] of rooms.entries()) {
    const shown = await fitAttachments(
      attached,
      Math.floor((context - wanted) * attachedShare * room),
      count,
    );
    const content = shown.map((one) => one.content).filter((text) => text !== '');
    const tokens = await format.render(messages(room, content.join('\n')), { thinking: false });
    signal.throwIfAborted();
    const left = context - tokens.length;
    if (left >= wanted || (i === rooms.length - 1 && left >= fewestTokens)) {
      return { tokens, shown };
    }
  }
  throw new EngineError(
    'context_overflow',
    `What is asked for does not fit into the model's context of ${context.toLocaleString('en-US')} tokens. Ask for less at once, or choose a model with more room.`,
  );
}

async function answer(
  { engine, quiet }: TalkDeps,
  { grammar, mostTokens, signal, onPhase, onText }: Asked,
  model: LoadedModel,
  format: ChatFormat,
  tokens: readonly TokenId[],
): Promise<Decoded> {
  const session = await EngineSession.open(engine, model.handle, model.kv.context, model.kv.codec, {
    user: 'chat',
  });
  try {
    let phase: Phase = 'waiting';
    const enter = (next: Phase): void => {
      if (phase !== next) {
        phase = next;
        onPhase(next);
      }
    };
    return await decode({
      ...{ session, format, grammar, tokens, closing, signal },
      fence: '',
      maxTokens: Math.min(mostTokens, model.kv.context - tokens.length),
      effort: effortOf(model.info.threads, (await quiet?.()) === true),
      sampling: { temperature: 0.2, topP: 0.9, topK: 20, seed: 1 },
      ...(lookupPays(model) && { lookup: {} }),
      onReading: () => {
        enter('reading');
      },
      onText: (text) => {
        enter('writing');
        onText(text);
      },
    });
  } finally {
    await session.close().catch(() => undefined);
  }
}
