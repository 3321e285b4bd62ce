/**
 * Answers what decoding threads ask (binding.ts, NativeGuideDesk): which tokens may come next. Runs in a worker (worker.ts), which it
 * holds for as long as somebody decodes by a grammar. Knows nothing of threads.
 */
import { GrammarError } from '../../grammar/grammar';
import { Guide, type GuideStep } from '../../grammar/guide';
import { Masks } from '../../grammar/masks';
import { Vocabulary } from '../../grammar/vocabulary';
import type { NativeGuideDesk, NativeGuideRequest } from '../binding';
import { EngineError, type EngineErrorCode } from '../port';
import { fromProgram } from './program';

/** Grammars are kept with all that was found out of them; what was not used for longest goes first. */
const keptPrograms = 16;
/** States that a kept grammar may have been taken through: some 100 MB. */
const keptStates = 100_000;
/** Milliseconds for which a wait cannot be ended from outside. */
const slice = 100;

interface Program {
  readonly masks: Masks;
  readonly jump: boolean;
}

export class GuideServer {
  private vocabulary: Vocabulary | undefined;
  private readonly programs = new Map<string, Program>();
  private readonly guides = new Map<number, Guide>();
  /** Why a guide could not be opened: said when it is asked. */
  private readonly broken = new Map<number, Error>();

  constructor(private readonly desk: NativeGuideDesk) {}

  /** Until nobody wants anything any more. False: nobody ever will. */
  work(): boolean {
    for (;;) {
      const request = this.desk.next(slice);
      if (request.kind === 'idle' || request.kind === 'closed') {
        return request.kind === 'idle';
      }
      try {
        this.serve(request);
      } catch (error) {
        const [code, message] = whatFailed(error);
        this.desk.fail(request.id, code, message);
      }
    }
  }

  private serve(request: NativeGuideRequest): void {
    switch (request.kind) {
      case 'prepare': {
        const { least } = this.program(request.program).masks;
        if (least > request.tokens) {
          throw tooFew(least, request.tokens);
        }
        this.desk.prepared(request.id, least);
        return;
      }
      case 'open':
        this.open(request.id, request.program);
        return;
      case 'begin': {
        const guide = this.guide(request.id);
        const step = guide.begin(request.tokens);
        if (step === undefined) {
          throw tooFew(guide.least, request.tokens);
        }
        this.answer(request.id, step);
        return;
      }
      case 'tell':
        this.answer(request.id, this.guide(request.id).tell([...request.said], [...request.draft]));
        return;
      case 'end':
        this.guides.delete(request.id);
        this.broken.delete(request.id);
        return;
      case 'nothing':
      case 'idle':
      case 'closed':
        return;
    }
  }

  private open(id: number, text: string): void {
    try {
      const { masks, jump } = this.program(text);
      const tokenize = (piece: string): number[] => [...this.desk.tokenize(piece)];
      this.guides.set(id, new Guide(masks, { tokenize, jump }));
    } catch (error) {
      this.broken.set(id, error instanceof Error ? error : new Error(String(error)));
    }
  }

  private guide(id: number): Guide {
    const guide = this.guides.get(id);
    if (guide === undefined) {
      throw this.broken.get(id) ?? new Error('There is no such guide.');
    }
    return guide;
  }

  private answer(id: number, { forced, masks }: GuideStep): void {
    const length = masks[0]?.words.length ?? 0;
    const words = new Int32Array(length * masks.length);
    masks.forEach((mask, i) => {
      words.set(mask.words, i * length);
    });
    this.desk.answer(
      id,
      Int32Array.from(forced),
      words,
      Uint8Array.from(masks, ({ mayEnd }) => (mayEnd ? 1 : 0)),
    );
  }

  private words(): Vocabulary {
    this.vocabulary ??= new Vocabulary(this.desk.vocabulary());
    return this.vocabulary;
  }

  private program(text: string): Program {
    let program = this.programs.get(text);
    this.programs.delete(text);
    if (program === undefined || program.masks.machine.size > keptStates) {
      const { grammar, jump } = fromProgram(text);
      program = { masks: new Masks(grammar, this.words()), jump };
    }
    this.programs.set(text, program);
    if (this.programs.size > keptPrograms) {
      const [oldest = ''] = this.programs.keys();
      this.programs.delete(oldest);
    }
    return program;
  }
}

function tooFew(least: number, tokens: number): EngineError {
  return new EngineError(
    'invalid_argument',
    `The answer must have a form that takes ${String(least)} tokens at least, but only ${String(tokens)} may be said. Allow more tokens, ` +
      'or ask for less.',
  );
}

function whatFailed(error: unknown): [EngineErrorCode, string] {
  if (error instanceof GrammarError) {
    return ['unsupported', error.message];
  }
  if (error instanceof EngineError) {
    return [error.code, error.message];
  }
  return ['internal', error instanceof Error ? error.message : String(error)];
}
