/** What is kept for one loaded model, and what it can be asked for at a place. */
import type { EnginePort, SavedPagesPlace } from '../engine';
import type { CompletionProfile, LoadedModel } from '../models';
import type { ContextSupply } from './contextChoice';
import type { Effort } from './effort';
import { PromptBuilder } from './promptBuilder';
import { SessionPool } from './sessions';

export class Workshop {
  readonly prompts: PromptBuilder;
  readonly sessions: SessionPool;
  /** What prompts may show besides the file. */
  readonly context: ContextSupply | undefined;
  /** By which the model was asked so far. */
  profile: CompletionProfile;
  /** The place whose prompt was evaluated last, to its end: `placeKey`. */
  evaluated: string | undefined;
  /** The place and the suggestion for whose being taken all was made ready last. */
  prepared: string | undefined;
  /** Documents whose sessions hold pages that were moved behind an edit. */
  readonly moved = new Set<string>();

  constructor(
    engine: EnginePort,
    readonly model: LoadedModel,
    {
      savedPlace = () => undefined,
      context,
    }: {
      readonly savedPlace?: (uri: string) => SavedPagesPlace | undefined;
      readonly context?: ContextSupply;
    },
  ) {
    this.profile = model.profile;
    this.context = context;
    this.prompts = new PromptBuilder(engine, model, context);
    this.sessions = new SessionPool(engine, model, savedPlace);
  }

  async forget(uri: string): Promise<void> {
    this.evaluated = undefined;
    this.moved.delete(uri);
    this.prompts.forget(uri);
    await this.sessions.release(uri);
  }
}

/** A completion may take a quarter of the context: the rest is for what it goes by. */
export function mostTokens(model: LoadedModel, wanted: number, effort: Effort): number {
  return Math.min(wanted, effort.maxTokens, Math.floor(model.kv.context / 4));
}

export function placeKey(
  document: { readonly uri: string; readonly version: number },
  offset: number,
): string {
  return `${String(document.version)} ${String(offset)} ${document.uri}`;
}
