/**
 * Records what an engine answers, and lets the scripted engine answer the same: a conversation with a real model, which takes its time, becomes
 * a test that takes none. A recording is plain data.
 */
import {
  EngineError,
  type EnginePort,
  type GenerateEvent,
  type GenerateRequest,
  type GenerateResult,
} from '#server/engine/port';
import type { ScriptedOptions } from '#server/engine/scripted';

export interface RecordedAnswer {
  /** The prompt's text, control tokens written out. */
  readonly prompt: string;
  readonly text: string;
  readonly reason: GenerateResult['reason'] | 'error';
  /** Of an error. */
  readonly message: string;
  readonly msPerToken: number;
}

/** The port, and what it has been asked so far. Requests that only read a prompt are not recorded: they say nothing. */
export function recorded(port: EnginePort): {
  readonly port: EnginePort;
  readonly answers: readonly RecordedAnswer[];
} {
  const answers: RecordedAnswer[] = [];
  /** Which model a session belongs to, for its texts. */
  const models = new Map<number, number>();
  const wrapped = {
    openSession: async (...args: Parameters<EnginePort['openSession']>) => {
      const session = await port.openSession(...args);
      models.set(session, args[0]);
      return session;
    },
    forkSession: async (from: number) => {
      const session = await port.forkSession(from);
      models.set(session, models.get(from) ?? -1);
      return session;
    },
    generate: async (request: GenerateRequest, onEvent: (event: GenerateEvent) => void) => {
      const prompt = await port.detokenize(models.get(request.session) ?? -1, request.tokens);
      const note = (answer: Omit<RecordedAnswer, 'prompt'>): void => {
        if (request.maxTokens > 0) {
          answers.push({ prompt, ...answer });
        }
      };
      try {
        const result = await port.generate(request, onEvent);
        const msPerToken = result.tokens.length === 0 ? 0 : result.decodeMs / result.tokens.length;
        note({ text: result.text, reason: result.reason, message: '', msPerToken });
        return result;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        note({ text: '', reason: 'error', message, msPerToken: 0 });
        throw error;
      }
    },
  };
  const proxy = new Proxy(port, {
    get: (target, name) => {
      const own: unknown = name in wrapped ? wrapped[name as keyof typeof wrapped] : undefined;
      const value: unknown = own ?? Reflect.get(target, name);
      return typeof value === 'function' && own === undefined ? (value.bind(target) as unknown) : value;
    },
  });
  return { port: proxy, answers };
}

/** Answers each prompt as it was recorded, the first time with the first answer, and fails where it was never asked. */
export function replaying(answers: readonly RecordedAnswer[]): Pick<ScriptedOptions, 'answer'> {
  const left = [...answers];
  return {
    answer: ({ text }) => {
      const at = left.findIndex(({ prompt }) => prompt === text);
      const [found] = at < 0 ? [] : left.splice(at, 1);
      if (found === undefined) {
        throw new EngineError(
          'internal',
          `Nobody has recorded what follows this prompt: ${JSON.stringify(text.slice(-200))}`,
        );
      }
      if (found.reason === 'error') {
        throw new EngineError('internal', found.message);
      }
      return found.text;
    },
  };
}
