/**
 * The tokens that a model has said answers with: shown in later prompts as they were, they are found in the cache; encoded anew, the same text
 * may be other tokens.
 */
import type { TokenId } from '../engine';
import type { LoadedModel } from '../models';
import type { KeptConversation, KeptMessage } from './tree';

/** Answers; those of longer ago are encoded anew. */
const mostRemembered = 200;

export class SaidTokens {
  private readonly known = new Map<
    string,
    { readonly fingerprint: string; readonly text: string; readonly tokens: readonly TokenId[] }
  >();

  /** Undefined = not by this model, not lately, or another text. */
  of({ info }: LoadedModel, { id }: KeptConversation, message: KeptMessage): readonly TokenId[] | undefined {
    const known = this.known.get(`${id}/${message.id}`);
    return known?.fingerprint === info.fingerprint && known.text === message.text ? known.tokens : undefined;
  }

  remember(
    { info }: LoadedModel,
    { id }: KeptConversation,
    { id: message, text }: KeptMessage,
    tokens: readonly TokenId[],
  ): void {
    this.known.set(`${id}/${message}`, { fingerprint: info.fingerprint, text, tokens });
    if (this.known.size > mostRemembered) {
      this.known.delete(this.known.keys().next().value as string);
    }
  }
}
