/**
 * Where conversations are kept: on the disk where there is a folder for them, in memory otherwise. What cannot be written stays in memory and
 * is written with the next change. One change of a conversation after the other.
 */
import type { ConversationId } from '#protocol';
import type { ConversationStore, PartialAnswer } from './store';
import type { KeptConversation } from './tree';

export class Shelf {
  /** In memory: what could not be written, and all of it where there is no store. */
  private readonly held = new Map<ConversationId, KeptConversation>();
  /** The last write of what there is of an answer: on a slow disk, one could overtake another. */
  private readonly partials = new Map<ConversationId, Promise<void>>();
  private readonly queues = new Map<ConversationId, Promise<unknown>>();

  constructor(private readonly store: ConversationStore | undefined) {}

  /** Runs one thing at a time for each conversation. */
  inTurn<T>(id: ConversationId, work: () => Promise<T>): Promise<T> {
    const result = (this.queues.get(id) ?? Promise.resolve()).then(work);
    const settled = result.catch(() => undefined);
    this.queues.set(id, settled);
    void settled.then(() => {
      if (this.queues.get(id) === settled) {
        this.queues.delete(id);
      }
    });
    return result;
  }

  async get(
    id: ConversationId,
    damaged?: (id: ConversationId) => void,
  ): Promise<KeptConversation | undefined> {
    return this.held.get(id) ?? (await this.store?.read(id, damaged));
  }

  /** Whether one that had been kept was deleted by somebody else, in another window perhaps. */
  async isGone(id: ConversationId): Promise<boolean> {
    return !this.held.has(id) && this.store !== undefined && (await this.store.isGone(id));
  }

  async list(
    damaged: (id: ConversationId) => void,
    unread: (id: ConversationId) => void,
  ): Promise<readonly KeptConversation[]> {
    const stored = (await this.store?.list(damaged, unread)) ?? [];
    return [...stored.filter(({ id }) => !this.held.has(id)), ...this.held.values()];
  }

  /** Rejects when it cannot be written; then nothing has changed. */
  async add(conversation: KeptConversation): Promise<void> {
    if (this.store === undefined) {
      this.held.set(conversation.id, conversation);
      return;
    }
    await this.store.write(conversation);
    this.held.delete(conversation.id);
  }

  /** Never rejects: what cannot be written is held. Returns why it could not, '' = it was. */
  async put(conversation: KeptConversation): Promise<string> {
    try {
      await this.add(conversation);
      return '';
    } catch (error) {
      this.held.set(conversation.id, conversation);
      return error instanceof Error ? error.message : String(error);
    }
  }

  async remove(id: ConversationId): Promise<void> {
    await this.store?.remove(id);
    this.held.delete(id);
  }

  /** Failing is no harm: the whole is written at the end. */
  keepPartial(id: ConversationId, partial: PartialAnswer): Promise<void> {
    return this.afterPartial(id, () => this.store?.writePartial(id, partial));
  }

  async dropPartial(id: ConversationId): Promise<void> {
    await this.afterPartial(id, () => this.store?.removePartial(id));
    this.partials.delete(id);
  }

  private afterPartial(id: ConversationId, work: () => Promise<void> | undefined): Promise<void> {
    const next = (this.partials.get(id) ?? Promise.resolve()).then(work).catch(() => undefined);
    this.partials.set(id, next);
    return next;
  }
}
