/** The answers that are being written: begun, shown as they come, kept, stopped. One a conversation. */
import type { ChatEvent, ChatOutcome, ContextUse, Conversation, ConversationId, MessageId } from '#protocol';
import { isCancelled } from '../engine';
import type { Log } from '../util/log';
import type { Answerer } from './answerer';
import type { Collected } from '../attachments';
import { RunningAnswer } from './running';
import type { Shelf } from './shelf';
import { findMessage, withChange, withOthers, type KeptConversation, type KeptMessage } from './tree';

export interface AnswersDeps {
  readonly shelf: Shelf;
  readonly answerer: Answerer;
  readonly emit: (event: ChatEvent) => void;
  readonly view: (conversation: KeptConversation) => Conversation;
  readonly log: Log;
  readonly mayWork: () => Promise<boolean>;
}

export interface Running {
  readonly message: MessageId;
  readonly controller: AbortController;
  readonly answer: RunningAnswer;
  /** As it is now: what is on the disk is older, or gone. */
  conversation: KeptConversation;
  done: Promise<void>;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function notSaved(reason: string): string {
  return `The conversation is not saved: ${reason}. It is kept until the window closes and saved with the next change.`;
}

export class Answers {
  private readonly running = new Map<ConversationId, Running>();
  /** How conversations fitted into the model's context when they were last answered. */
  readonly contexts = new Map<ConversationId, ContextUse>();
  private reading: AbortController | undefined;
  private ended = false;

  constructor(private readonly deps: AnswersDeps) {}

  /** The answer that is being written in a conversation. */
  of(id: ConversationId): Running | undefined {
    return this.running.get(id);
  }

  /** Resolves when nothing is computed for it any more. */
  async stop(id: ConversationId): Promise<void> {
    const running = this.running.get(id);
    running?.controller.abort();
    await running?.done;
  }

  /** Stops all, and begins none from then on. */
  async end(): Promise<void> {
    this.ended = true;
    this.reading?.abort();
    await Promise.all([...this.running.keys()].map((id) => this.stop(id)));
  }

  /** Keeps the conversation, whose head is the answer to be written, and begins to write it. */
  async begin(
    conversation: KeptConversation,
    collected: ReadonlyMap<MessageId, readonly Collected[]>,
    isKnown: boolean,
  ): Promise<ChatOutcome> {
    if (this.ended) {
      return { problem: 'Niwaki is shutting down.' };
    }
    try {
      await this.deps.shelf.add(conversation);
    } catch (error) {
      return {
        problem: `${isKnown ? 'Nothing was changed' : 'The message was not sent'}: ${reasonOf(error)}`,
      };
    }
    this.reading?.abort();
    const message = findMessage(conversation, conversation.head) as KeptMessage;
    const { id } = conversation;
    const controller = new AbortController();
    const answer = this.runningAnswer(id, message);
    const running: Running = {
      message: message.id,
      controller,
      answer,
      conversation,
      done: Promise.resolve(),
    };
    this.running.set(id, running);
    this.deps.emit({ kind: 'changed', conversation: this.deps.view(conversation) });
    running.done = this.write(conversation, message, collected, running);
    return { problem: '' };
  }

  private runningAnswer(id: ConversationId, { id: message, thinking, text }: KeptMessage): RunningAnswer {
    return new RunningAnswer(
      {
        onText: (part, at, more, tokens, speed) => {
          this.deps.emit({ kind: 'text', id, message, part, at, text: more, tokens, speed });
        },
        onKeep: (thought, said) => {
          void this.deps.shelf.keepPartial(id, { message, thinking: thought, text: said });
        },
      },
      { thinking, text },
    );
  }

  /** Never rejects. */
  private async write(
    begun: KeptConversation,
    message: KeptMessage,
    collected: ReadonlyMap<MessageId, readonly Collected[]>,
    running: Running,
  ): Promise<void> {
    const { id } = begun;
    const change = (next: KeptConversation): void => {
      running.conversation = next;
    };
    const outcome = await this.deps.answerer.answer(
      {
        ...{ conversation: begun, message, collected, signal: running.controller.signal },
        hooks: {
          onProgress: (phase, share) => {
            this.deps.emit({ kind: 'progress', id, message: message.id, phase, share });
          },
          onFitted: (question, attachments) => {
            change(withChange(running.conversation, question, { attachments }));
            this.deps.emit({ kind: 'changed', conversation: this.deps.view(running.conversation) });
          },
          onSummary: (summary) => {
            const { conversation } = running;
            change({ ...conversation, summaries: [...conversation.summaries, summary] });
          },
          onContext: (context) => {
            this.contexts.set(id, context);
          },
        },
      },
      running.answer,
    );
    const { thinking, text } = running.answer;
    await this.deps.shelf.inTurn(id, async () => {
      if (await this.deps.shelf.isGone(id)) {
        await this.deps.shelf.dropPartial(id);
        this.running.delete(id);
        this.deps.emit({ kind: 'deleted', id });
        return;
      }
      const kept = await this.deps.shelf.get(id);
      const changed = new Set([message.id, ...collected.keys()]);
      const ours = running.conversation;
      const now = { ...(kept === undefined ? ours : withOthers(ours, kept, changed)), updatedAt: Date.now() };
      const ended = withChange(now, message.id, { ...outcome, thinking, text });
      const problem = await this.deps.shelf.put(ended);
      await this.deps.shelf.dropPartial(id);
      this.running.delete(id);
      const shown = problem === '' ? ended : withChange(ended, message.id, { problem: notSaved(problem) });
      this.deps.emit({ kind: 'changed', conversation: this.deps.view(shown) });
      if (outcome.state !== 'failed') {
        void this.readAhead(ended);
      }
    });
  }

  /** The next message is answered sooner when all before it has been read. */
  private async readAhead(conversation: KeptConversation): Promise<void> {
    const reading = new AbortController();
    this.reading?.abort();
    this.reading = reading;
    try {
      if ((await this.deps.mayWork()) && !reading.signal.aborted) {
        await this.deps.answerer.readAhead(conversation, reading.signal);
      }
    } catch (error) {
      if (!isCancelled(error)) {
        this.deps.log.warn(`The conversation could not be read ahead: ${reasonOf(error)}`);
      }
    }
  }
}
