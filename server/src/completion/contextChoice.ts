/**
 * Which parts of a document's context plan its prompts show, and since when. A new plan's parts are new to the model, so a prompt shows
 * them only once they have been read in the background: no keystroke waits for them.
 */
import type { EnginePort, TokenId } from '../engine';
import type { LoadedModel } from '../models';
import { contextHead, contextPieces, contextStyleOf, tokenizePieces, type ContextStyle } from '../prompt';
import type { ContextPart, ContextPlan } from '../workspace';

/** Where plans come from. */
export interface ContextSupply {
  /** The last finished plan, at once. */
  plan(uri: string): ContextPlan | undefined;
  /** Whether a plan that was taken before may still be shown. */
  mayShow(plan: ContextPlan): boolean;
}

/** What a prompt shows besides the file. */
export interface ShownContext {
  readonly plan: ContextPlan;
  readonly style: ContextStyle;
  /** In the prompt's order, with the tokens that each takes. */
  readonly parts: readonly { readonly part: ContextPart; readonly tokens: number }[];
  /** All of it. */
  readonly tokens: readonly TokenId[];
}

/** Milliseconds that reading the parts may take; a slow model gets fewer. */
const readingMs = 10_000;
/** Milliseconds that reading a prompt anew may take for the sake of another plan. */
const rereadingMs = 3_000;
/** As long as nobody knows how fast the model reads: tokens a second. */
const carefulSpeed = 100;
/** Fewer tokens than that say little about the speed. */
const fewTokens = 64;
/** Of the prompt's budget: a file has as much room to grow before parts must go. */
const growthShare = 1 / 16;

interface PartTokens {
  readonly style: ContextStyle;
  readonly tokens: Promise<readonly TokenId[]>;
}

export class ContextChoice {
  private readonly adopted = new Map<string, ShownContext>();
  private readonly tokensOf = new WeakMap<ContextPart, PartTokens>();
  private tokensPerSecond = carefulSpeed;

  constructor(
    private readonly engine: EnginePort,
    private readonly model: LoadedModel,
  ) {}

  /** What the document's prompts show since it was read. */
  shown(uri: string): ShownContext | undefined {
    return this.adopted.get(uri);
  }

  /** What was shown for the first time has been read; undefined = nothing is shown any more. */
  adopt(uri: string, shown: ShownContext | undefined): void {
    if (shown === undefined) {
      this.adopted.delete(uri);
    } else {
      this.adopted.set(uri, shown);
    }
  }

  /** How long the model took to read so many tokens. */
  measured(tokens: number, ms: number): void {
    if (tokens >= fewTokens && ms > 0) {
      this.tokensPerSecond = (tokens * 1000) / ms;
    }
  }

  /** Whether a plan should take the place of what is shown, where the whole prompt has so many tokens. */
  isWorthReading(uri: string, plan: ContextPlan, promptTokens: number): boolean {
    const shown = this.adopted.get(uri);
    if (this.model.profile.contextShare === 0 || shown?.plan === plan) {
      return false;
    }
    return shown === undefined || (promptTokens * 1000) / this.tokensPerSecond <= rereadingMs;
  }

  /**
   * The best parts of the plan, in its order. `budget`: tokens of the whole prompt. `file`: those of the file, undefined when it fills
   * whatever it gets; then the parts get the model's share. What is shown already stays as long as there is room for it.
   */
  async choose(
    uri: string,
    plan: ContextPlan,
    budget: number,
    file: number | undefined,
  ): Promise<ShownContext> {
    const { contextShare, form } = this.model.profile;
    const style = contextStyleOf(form); // it changes with the way in which the model is asked
    const room = Math.max(0, file === undefined ? Math.floor(budget * contextShare) : budget - file);
    const shown = this.adopted.get(uri);
    if (shown?.plan === plan && shown.style === style && shown.tokens.length <= room) {
      return shown;
    }
    const growth = file === undefined ? 0 : Math.ceil(budget * growthShare);
    let left = Math.min(room - growth, Math.floor((this.tokensPerSecond * readingMs) / 1000));
    const head = await this.tokenize(contextHead(style, plan.repository));
    left -= head.length;
    const chosen = new Map<ContextPart, readonly TokenId[]>();
    for (const part of [...plan.parts].sort((a, b) => b.score - a.score)) {
      const tokens =
        contextShare === 0 || left <= 0 ? [] : await this.partTokens(style, part, plan.languageId);
      if (tokens.length > 0 && tokens.length <= left) {
        chosen.set(part, tokens);
        left -= tokens.length;
      }
    }
    const parts = plan.parts.flatMap((part) => {
      const tokens = chosen.get(part);
      return tokens === undefined ? [] : [{ part, tokens }];
    });
    return {
      plan,
      style,
      parts: parts.map(({ part, tokens }) => ({ part, tokens: tokens.length })),
      tokens: parts.length === 0 ? [] : [...head, ...parts.flatMap(({ tokens }) => tokens)],
    };
  }

  private partTokens(
    style: ContextStyle,
    part: ContextPart,
    languageId: string,
  ): Promise<readonly TokenId[]> {
    const known = this.tokensOf.get(part);
    if (known?.style === style) {
      return known.tokens;
    }
    const tokens = this.tokenize(contextPieces(style, part, languageId));
    this.tokensOf.set(part, { style, tokens });
    return tokens;
  }

  private tokenize(pieces: ReturnType<typeof contextPieces>): Promise<readonly TokenId[]> {
    const tokenize = (text: string, special: boolean): Promise<readonly TokenId[]> =>
      this.engine.tokenize(this.model.handle, text, special);
    return tokenizePieces(pieces, { tokenize });
  }
}
