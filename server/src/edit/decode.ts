/** Has the model say an edit, or a new file: the prompt in a session, the answer under a mask. */
import type { EditFigures } from '#protocol';
import type { ChatFormat } from '../conversation';
import { cancelled, Priority, type EngineSession, type GenerateRequest, type TokenId } from '../engine';
import type { Grammar } from '../grammar/grammar';

export interface Decoding {
  readonly session: EngineSession;
  readonly format: ChatFormat;
  /** What closes the answer and is no part of its text; '' = nothing. */
  readonly fence: string;
  readonly grammar: Grammar;
  /** The prompt, with what opens the answer. */
  readonly tokens: readonly TokenId[];
  readonly maxTokens: number;
  /** With so few tokens left or fewer, the mask may have kept the model from what it would have said. */
  readonly closing: number;
  readonly effort: Pick<GenerateRequest, 'priority' | 'threads'>;
  readonly lookup?: GenerateRequest['lookup'];
  /** Absent = what is likeliest. */
  readonly sampling?: GenerateRequest['sampling'];
  readonly signal: AbortSignal;
  readonly onReading: (share: number) => void;
  /** All that was said so far; characters that are not whole yet are left out. */
  readonly onText: (text: string, tokens: number) => void;
}

export interface Decoded {
  /** What stands in the fence, the closing one left out. */
  readonly text: string;
  /** It had no more tokens: what is there was closed early. */
  readonly cut: boolean;
  readonly figures: EditFigures;
}

/** Rejects as cancelled when it was, by whomever: nothing of what was said counts then. */
export async function decode(decoding: Decoding): Promise<Decoded> {
  const { session, format, tokens, maxTokens, grammar, signal, onReading, onText } = decoding;
  let said = '';
  let count = 0;
  const result = await session.generate(
    {
      ...{ tokens, maxTokens, ...decoding.effort },
      sampling: decoding.sampling ?? { temperature: 0 },
      stopTokens: format.stopTokens,
      constraint: { grammar },
      ...(decoding.lookup === undefined ? {} : { lookup: decoding.lookup }),
    },
    {
      signal,
      onEvent: (event) => {
        if (event.kind === 'prefill') {
          onReading(event.done / event.total);
        } else {
          said += event.text;
          count += 1;
          onText(said, count);
        }
      },
    },
  );
  signal.throwIfAborted();
  if (result.reason === 'cancelled') {
    throw cancelled();
  }
  return {
    text: result.text.slice(0, result.text.length - decoding.fence.length),
    cut: result.tokens.length + decoding.closing >= maxTokens,
    figures: {
      promptTokens: tokens.length,
      reusedTokens: result.reused,
      tokens: result.tokens.length,
      prefillMs: result.prefillMs,
      decodeMs: result.decodeMs,
    },
  };
}

/** What answers may be computed with: half of the threads where battery and ears are to be spared. */
export function effortOf(threads: number, isQuiet: boolean): Pick<GenerateRequest, 'priority' | 'threads'> {
  return { priority: Priority.chat, ...(isQuiet && { threads: Math.max(1, Math.ceil(threads / 2)) }) };
}
