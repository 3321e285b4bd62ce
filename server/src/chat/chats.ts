/** The conversations of a workspace: what can be done with them, and the answers that are being written. */
import { randomBytes } from 'node:crypto';
import type {
  Attachment,
  ChatEvent,
  ChatOutcome,
  CommitMessageRequest,
  ContextUse,
  Conversation,
  ConversationId,
  ListConversationsRequest,
  MeasureMessageRequest,
  MessageId,
  SendMessageRequest,
} from '#protocol';
import type { EnginePort } from '../engine';
import type { ChatModel } from '../models';
import type { Log } from '../util/log';
import type { ChosenFiles } from '../workspace';
import { Answerer } from './answerer';
import { Answers, notSaved, reasonOf } from './answers';
import { promptBudget } from './budget';
import { collect, fitAttachments, unfitted, type Collected } from '../attachments';
import { titleOfCommand } from './commands';
import { commitMessage } from './commitMessage';
import { asMarkdown } from './export';
import { emptyConversation, newAnswer, newQuestion } from './newMessages';
import { Shelf } from './shelf';
import type { ConversationStore } from './store';
import {
  branchTo,
  findMessage,
  matches,
  newestBelow,
  shownBranch,
  summaryOf,
  titleOf,
  withChange,
  withMessage,
  type KeptConversation,
  type KeptMessage,
} from './tree';
import { shownOf, viewOf } from './view';

export interface ChatsOptions {
  readonly engine: EnginePort;
  readonly model: ChatModel;
  readonly files: ChosenFiles;
  /** Undefined = conversations are kept in memory. */
  readonly store: ConversationStore | undefined;
  readonly emit: (event: ChatEvent) => void;
  readonly log: Log;
  /** Whether the machine may be kept busy with what nobody waits for. */
  readonly mayWork: () => Promise<boolean>;
  readonly quiet?: () => Promise<boolean>;
  readonly random?: () => number;
}

const done: ChatOutcome = { problem: '' };
const noConversation: ChatOutcome = {
  problem:
    'There is no such conversation here: it was deleted, in another window perhaps, or belongs to another workspace.',
};
const noMessage: ChatOutcome = { problem: 'There is no such message any more.' };
const busy: ChatOutcome = { problem: 'An answer is being written in this conversation. Stop it first.' };
const longestTitle = 200;
const canGoOn: readonly KeptMessage['state'][] = ['stopped', 'cut', 'interrupted'];

export class Chats {
  private readonly shelf: Shelf;
  private readonly answerer: Answerer;
  private readonly answers: Answers;
  private readonly notes = new Set<string>();

  constructor(private readonly options: ChatsOptions) {
    this.shelf = new Shelf(options.store);
    this.answerer = new Answerer(options);
    const { shelf, answerer } = this;
    this.answers = new Answers({
      ...options,
      shelf,
      answerer,
      view: (conversation) => this.view(conversation),
    });
  }

  async list(search: string): Promise<ListConversationsRequest.Result> {
    const all = await this.shelf.list(this.damaged, this.unread);
    const found = all.filter((conversation) => matches(conversation, search));
    const conversations = found
      .sort((a, b) => b.updatedAt - a.updatedAt)
      .map((conversation) => ({
        id: conversation.id,
        title: conversation.title,
        updatedAt: conversation.updatedAt,
        messages: shownBranch(conversation).length,
        busy: this.answers.of(conversation.id) !== undefined,
      }));
    return { conversations, notes: [...this.notes] };
  }

  async open(id: ConversationId): Promise<Conversation | null> {
    this.answers.of(id)?.answer.flush();
    const conversation = await this.find(id);
    return conversation === undefined ? null : this.view(conversation);
  }

  async send(params: SendMessageRequest.Params): Promise<SendMessageRequest.Result> {
    const id = params.conversation === '' ? randomBytes(8).toString('hex') : params.conversation;
    return this.shelf.inTurn(id, async () => {
      const outcome = await this.say(id, params);
      return { ...outcome, conversation: outcome.problem === '' ? id : params.conversation };
    });
  }

  regenerate(id: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.change(id, async (conversation) => {
      const old = findMessage(conversation, message);
      if (old?.role !== 'assistant') {
        return noMessage;
      }
      const answered = withMessage(conversation, newAnswer(conversation, old.parent));
      return this.answers.begin(answered, await this.neverFitted(answered), true);
    });
  }

  continue(id: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.change(id, async (conversation) => {
      const old = findMessage(conversation, message);
      if (old?.role !== 'assistant' || !canGoOn.includes(old.state)) {
        return { problem: 'This answer cannot be gone on with: it is complete.' };
      }
      const changed = withChange({ ...conversation, head: message }, message, {
        state: 'writing',
        problem: '',
      });
      return this.answers.begin(changed, await this.neverFitted(changed), true);
    });
  }

  /** Resolves when nothing is computed for it any more. */
  async stop(id: ConversationId): Promise<ChatOutcome> {
    await this.answers.stop(id);
    return done;
  }

  select(id: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.change(id, async (conversation) => {
      if (findMessage(conversation, message) === undefined) {
        return noMessage;
      }
      this.answers.contexts.delete(id);
      return this.save({ ...conversation, head: newestBelow(conversation, message) });
    });
  }

  async rename(id: ConversationId, title: string): Promise<ChatOutcome> {
    const name = title.replaceAll(/\s+/g, ' ').trim().slice(0, longestTitle);
    if (name === '') {
      return { problem: 'A conversation needs a name.' };
    }
    return this.shelf.inTurn(id, async () => {
      const conversation = await this.find(id);
      if (conversation === undefined) {
        return noConversation;
      }
      const renamed = { ...conversation, title: name };
      const running = this.answers.of(id);
      if (running !== undefined) {
        running.conversation = renamed;
      }
      return this.save(renamed);
    });
  }

  async delete(id: ConversationId): Promise<ChatOutcome> {
    await this.stop(id);
    const outcome = await this.shelf.inTurn(id, async () => {
      if (this.answers.of(id) !== undefined) {
        return undefined; // it was being sent: stopped as well
      }
      try {
        await this.shelf.remove(id);
      } catch (error) {
        return { problem: `The conversation could not be deleted: ${reasonOf(error)}` };
      }
      this.answers.contexts.delete(id);
      await this.answerer.forget(id);
      this.options.emit({ kind: 'deleted', id });
      return done;
    });
    return outcome ?? this.delete(id);
  }

  async export(id: ConversationId): Promise<string> {
    this.answers.of(id)?.answer.flush();
    const conversation = await this.find(id);
    return conversation === undefined ? '' : asMarkdown(conversation);
  }

  async measure(params: MeasureMessageRequest.Params): Promise<MeasureMessageRequest.Result> {
    const collected = await this.collectAll(params.attachments);
    const model = this.options.model.loaded;
    const kept = await this.find(params.conversation);
    if (model === undefined) {
      const attachments = collected.map((one) => shownOf(unfitted(one)));
      return { attachments, context: noContext(this.options.model.state.contextTokens) };
    }
    const room = await this.answerer.roomForAttachments(model, params).catch(() => 0);
    const fitted = await fitAttachments(collected, room, this.answerer.count(model));
    const empty = emptyConversation('', '');
    const conversation = kept ?? empty;
    const draft = newQuestion(conversation, params, fitted);
    const branch = [...branchTo(conversation, params.after), draft];
    const context = await this.answerer
      .measure(model, withMessage(conversation, draft), branch)
      .catch(() => noContext(promptBudget(model.kv.context)));
    return { attachments: fitted.map(shownOf), context };
  }

  /** See commitMessage.ts. */
  commitMessage(
    params: Omit<CommitMessageRequest.Params, 'job'>,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<CommitMessageRequest.Result> {
    return commitMessage({ ...this.options, answerer: this.answerer }, params, signal, onText);
  }

  /** Ends what is being written; what there is of it is kept. */
  async dispose(): Promise<void> {
    await this.answers.end();
    await this.answerer.forgetAll();
  }

  private readonly damaged = (id: ConversationId): void => {
    this.note(`A conversation could not be read and was put aside (${id}.json.damaged).`);
  };

  private readonly unread = (id: ConversationId): void => {
    this.note(
      `A conversation is not shown: it is too large, cannot be read, or is of a newer version (${id}.json).`,
    );
  };

  private note(note: string): void {
    if (!this.notes.has(note)) {
      this.notes.add(note);
      this.options.log.warn(note);
    }
  }

  private async find(id: ConversationId): Promise<KeptConversation | undefined> {
    return this.answers.of(id)?.conversation ?? (await this.shelf.get(id, this.damaged));
  }

  private view(conversation: KeptConversation): Conversation {
    const running = this.answers.of(conversation.id);
    const context = this.answers.contexts.get(conversation.id) ?? {
      ...noContext(this.options.model.state.contextTokens),
      ...summarisedIn(conversation),
    };
    return viewOf(conversation, {
      context,
      writing:
        running === undefined
          ? undefined
          : { message: running.message, thinking: running.answer.thinking, text: running.answer.text },
    });
  }

  /** What is attached to questions that no model has answered yet: nobody has counted it. It is read anew. */
  private async neverFitted(
    conversation: KeptConversation,
    through = conversation.head,
  ): Promise<ReadonlyMap<MessageId, readonly Collected[]>> {
    const found = new Map<MessageId, readonly Collected[]>();
    for (const { id, attachments } of branchTo(conversation, through)) {
      if (attachments.some(({ content, wholeTokens }) => content !== '' && wholeTokens === 0)) {
        found.set(id, await this.collectAll(attachments.map(({ attachment }) => attachment)));
      }
    }
    return found;
  }

  private collectAll(attachments: readonly Attachment[]): Promise<readonly Collected[]> {
    return Promise.all(attachments.map((attachment) => collect(this.options.files, attachment)));
  }

  private async say(id: ConversationId, params: SendMessageRequest.Params): Promise<ChatOutcome> {
    if (this.answers.of(id) !== undefined) {
      return busy;
    }
    const { text, command, attachments, after } = params;
    if (text.trim() === '' && command === '' && attachments.length === 0) {
      return { problem: 'Write a message first.' };
    }
    await this.options.model.refresh();
    const { state, problem } = this.options.model.state;
    if (state === 'none' || (state === 'failed' && this.options.model.loaded !== undefined)) {
      return { problem: problem || 'There is no model that can talk. Import a chat model first.' };
    }
    const kept = params.conversation === '' ? undefined : await this.find(id);
    if (params.conversation !== '' && kept === undefined) {
      return noConversation;
    }
    const collected = await this.collectAll(attachments);
    if (text.trim() === '' && collected.every(({ pieces }) => pieces.length === 0)) {
      const [refused] = collected;
      if (refused !== undefined) {
        return { problem: `${refused.label}: ${refused.reason}` };
      }
      if (after === '') {
        return { problem: 'Attach what the question is about, or write it.' };
      }
    }
    const title = titleOf(
      titleOfCommand(
        command,
        text,
        collected.map(({ label }) => label),
      ),
    );
    const conversation = { ...(kept ?? emptyConversation(id, title)), thinking: params.thinking };
    if (after !== '' && findMessage(conversation, after)?.role !== 'assistant') {
      return { problem: 'The message that this one should follow is not there any more.' };
    }
    const question = newQuestion(conversation, params, collected.map(unfitted));
    const asked = withMessage(conversation, question);
    const answered = withMessage(asked, newAnswer(asked, question.id));
    const earlier = await this.neverFitted(conversation, after);
    return this.answers.begin(answered, new Map([...earlier, [question.id, collected]]), false);
  }

  /** Changes a conversation in which nothing is being written. */
  private change(
    id: ConversationId,
    work: (conversation: KeptConversation) => Promise<ChatOutcome>,
  ): Promise<ChatOutcome> {
    return this.shelf.inTurn(id, async () => {
      if (this.answers.of(id) !== undefined) {
        return busy;
      }
      const conversation = await this.find(id);
      return conversation === undefined ? noConversation : work(conversation);
    });
  }

  private async save(conversation: KeptConversation): Promise<ChatOutcome> {
    const problem = await this.shelf.put(conversation);
    this.options.emit({ kind: 'changed', conversation: this.view(conversation) });
    return problem === '' ? done : { problem: notSaved(problem) };
  }
}

function noContext(budget: number): ContextUse {
  return { tokens: 0, budget, summarised: 0, summary: '' };
}

function summarisedIn(conversation: KeptConversation): Pick<ContextUse, 'summarised' | 'summary'> {
  const { text, covered } = summaryOf(conversation, shownBranch(conversation));
  return { summarised: covered, summary: text };
}
