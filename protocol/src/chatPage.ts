/**
 * What the chat's page, which runs in a browser without rights, and the extension host say to each other. Each checks what it hears
 * (readPageMessage, readHostMessage): a message that is not one of these is dropped. A browser can load this file.
 */
import type {
  Attachment,
  ChatEvent,
  ChatModelState,
  ContextUse,
  Conversation,
  ConversationId,
  ConversationSummary,
  MessageId,
  ShownAttachment,
  SlashCommand,
} from './chat';
import {
  attachment,
  attachments,
  chatEvent,
  chatModelState,
  contextUse,
  conversation,
  conversationSummary,
  shownAttachments,
  slashCommand,
} from './chatShapes';
import { anyOf, count, flag, listOf, oneOf, orNull, record, text, type Shape } from './shape';

/** What can be chosen after `#`. */
export type CandidateKind = 'file' | 'folder' | 'selection' | 'symbol' | 'problems' | 'changes';

export interface Candidate {
  /** Names it in `attach`. */
  readonly key: string;
  readonly kind: CandidateKind;
  readonly label: string;
  readonly detail: string;
}

/** An attachment that has not been measured yet. */
export interface LabelledAttachment {
  readonly attachment: Attachment;
  readonly label: string;
}

/** What somebody is about to say. */
export interface Draft {
  readonly text: string;
  readonly command: SlashCommand | '';
  readonly attachments: readonly Attachment[];
}

export type CodeAction = 'copy' | 'insert' | 'newFile' | 'apply';

/** What the page can have done in VS Code, besides what has a message of its own. */
export type PageCommand = 'importModel' | 'manageModels' | 'restart' | 'showLog' | 'chat.commitMessage';

/** `request` numbers are the page's own; what has one is answered with the same. */
export type PageMessage =
  /** It can show something now. */
  | { readonly kind: 'ready' }
  /** What it wants to know again when it is made anew, as JSON: VS Code forgets what the page itself keeps when a window ends too soon. */
  | { readonly kind: 'keep'; readonly state: string }
  | ({
      readonly kind: 'send';
      readonly request: number;
      readonly conversation: ConversationId;
      readonly after: MessageId;
      readonly thinking: boolean;
    } & Draft)
  | {
      readonly kind: 'stop' | 'regenerate' | 'continue' | 'select';
      readonly request: number;
      readonly conversation: ConversationId;
      /** '' for stop. */
      readonly message: MessageId;
    }
  | ({
      readonly kind: 'measure';
      readonly request: number;
      readonly conversation: ConversationId;
      readonly after: MessageId;
    } & Draft)
  | { readonly kind: 'list'; readonly request: number; readonly search: string }
  /** '' = a new one. */
  | { readonly kind: 'open' | 'rename' | 'delete' | 'export'; readonly conversation: ConversationId }
  /** `of` '' = of any kind. */
  | {
      readonly kind: 'candidates';
      readonly request: number;
      readonly of: CandidateKind | '';
      readonly query: string;
    }
  | { readonly kind: 'attach'; readonly request: number; readonly key: string }
  /** What stands in the editor: the selection, or the file where nothing is selected. */
  | { readonly kind: 'attachActive'; readonly request: number }
  | { readonly kind: 'drop'; readonly request: number; readonly uris: readonly string[] }
  /** A link of an answer: a path with or without lines, or a web address. */
  | { readonly kind: 'follow'; readonly target: string }
  | {
      readonly kind: 'code';
      readonly request: number;
      readonly action: CodeAction;
      readonly text: string;
      /** As the answer has it: not a language that VS Code knows. */
      readonly language: string;
      /** A path that stands before the block; '' = none. */
      readonly path: string;
      /** What the question had attached. */
      readonly attachments: readonly Attachment[];
    }
  | { readonly kind: 'decide'; readonly request: number; readonly accept: boolean }
  | { readonly kind: 'run'; readonly command: PageCommand }
  /** New files are wanted; '' = the user is asked for what. */
  | { readonly kind: 'newFiles'; readonly text: string; readonly attachments: readonly Attachment[] };

export type HostMessage =
  /** null = the server is not there; `problem` says why. */
  | { readonly kind: 'model'; readonly state: ChatModelState | null; readonly problem: string }
  /** The conversation to show; null = a new one. */
  | { readonly kind: 'show'; readonly conversation: Conversation | null; readonly focus: boolean }
  /** The title bar's: the list, or the conversation. */
  | { readonly kind: 'look'; readonly at: 'list' | 'chat' | 'other' }
  | { readonly kind: 'event'; readonly event: ChatEvent }
  /** Some conversation is not as a list has shown it. */
  | { readonly kind: 'listChanged' }
  | {
      readonly kind: 'list';
      readonly request: number;
      readonly conversations: readonly ConversationSummary[];
      readonly notes: readonly string[];
      readonly problem: string;
    }
  /** To what has a request and no answer of its own. */
  | { readonly kind: 'answer'; readonly request: number; readonly problem: string }
  | {
      readonly kind: 'measured';
      readonly request: number;
      readonly attachments: readonly ShownAttachment[];
      /** null = it could not be measured. */
      readonly context: ContextUse | null;
    }
  | {
      readonly kind: 'candidates';
      readonly request: number;
      readonly items: readonly Candidate[];
      /** Why there are none; '' otherwise. */
      readonly note: string;
    }
  | {
      readonly kind: 'attached';
      readonly request: number;
      readonly attachments: readonly LabelledAttachment[];
      readonly problem: string;
    }
  /** Puts something into the input of what is shown. */
  | ({ readonly kind: 'compose'; readonly labels: readonly string[]; readonly problem: string } & Draft)
  /** A change that a code block's *apply* has led to: shown as a difference until it is decided. */
  | {
      readonly kind: 'proposal';
      readonly request: number;
      readonly state: 'open' | 'accepted' | 'rejected' | 'stale';
      readonly label: string;
    }
  | { readonly kind: 'notice'; readonly text: string };

const conversationId = text(200);
const messageId = text(200);
const draft = { text: text(), command: slashCommand, attachments };
const candidateKind = oneOf('file', 'folder', 'selection', 'symbol', 'problems', 'changes');
const label = text(10_000);

type PageOf<K extends PageMessage['kind']> = Extract<PageMessage, { kind: K }>;
type HostOf<K extends HostMessage['kind']> = Extract<HostMessage, { kind: K }>;

const pageMessage: Shape<PageMessage> = anyOf<PageMessage>(
  record<PageOf<'ready'>>({ kind: oneOf('ready') }),
  record<PageOf<'keep'>>({ kind: oneOf('keep'), state: text() }),
  record<PageOf<'send'>>({
    kind: oneOf('send'),
    request: count,
    conversation: conversationId,
    after: messageId,
    thinking: flag,
    ...draft,
  }),
  record<Extract<PageMessage, { message: string }>>({
    kind: oneOf('stop', 'regenerate', 'continue', 'select'),
    request: count,
    conversation: conversationId,
    message: messageId,
  }),
  record<PageOf<'measure'>>({
    kind: oneOf('measure'),
    request: count,
    conversation: conversationId,
    after: messageId,
    ...draft,
  }),
  record<PageOf<'list'>>({ kind: oneOf('list'), request: count, search: text(2_000) }),
  record<{ kind: 'open' | 'rename' | 'delete' | 'export'; conversation: ConversationId }>({
    kind: oneOf('open', 'rename', 'delete', 'export'),
    conversation: conversationId,
  }),
  record<PageOf<'candidates'>>({
    kind: oneOf('candidates'),
    request: count,
    of: anyOf<CandidateKind | ''>(candidateKind, oneOf('')),
    query: text(1_000),
  }),
  record<PageOf<'attach'>>({ kind: oneOf('attach'), request: count, key: text(10_000) }),
  record<PageOf<'attachActive'>>({ kind: oneOf('attachActive'), request: count }),
  record<PageOf<'drop'>>({ kind: oneOf('drop'), request: count, uris: listOf(text(8_000), 200) }),
  record<PageOf<'follow'>>({ kind: oneOf('follow'), target: text(8_000) }),
  record<PageOf<'code'>>({
    kind: oneOf('code'),
    request: count,
    action: oneOf('copy', 'insert', 'newFile', 'apply'),
    text: text(),
    language: text(200),
    path: text(8_000),
    attachments,
  }),
  record<PageOf<'decide'>>({ kind: oneOf('decide'), request: count, accept: flag }),
  record<PageOf<'run'>>({
    kind: oneOf('run'),
    command: oneOf('importModel', 'manageModels', 'restart', 'showLog', 'chat.commitMessage'),
  }),
  record<PageOf<'newFiles'>>({ kind: oneOf('newFiles'), text: text(), attachments }),
);

const hostMessage: Shape<HostMessage> = anyOf<HostMessage>(
  record<HostOf<'event'>>({ kind: oneOf('event'), event: chatEvent }),
  record<HostOf<'model'>>({ kind: oneOf('model'), state: orNull(chatModelState), problem: text(20_000) }),
  record<HostOf<'show'>>({ kind: oneOf('show'), conversation: orNull(conversation), focus: flag }),
  record<HostOf<'look'>>({ kind: oneOf('look'), at: oneOf('list', 'chat', 'other') }),
  record<HostOf<'list'>>({
    kind: oneOf('list'),
    request: count,
    conversations: listOf(conversationSummary, 100_000),
    notes: listOf(text(20_000), 1_000),
    problem: text(20_000),
  }),
  record<HostOf<'listChanged'>>({ kind: oneOf('listChanged') }),
  record<HostOf<'answer'>>({ kind: oneOf('answer'), request: count, problem: text(20_000) }),
  record<HostOf<'measured'>>({
    kind: oneOf('measured'),
    request: count,
    attachments: shownAttachments,
    context: orNull(contextUse),
  }),
  record<HostOf<'candidates'>>({
    kind: oneOf('candidates'),
    request: count,
    items: listOf(record<Candidate>({ key: text(10_000), kind: candidateKind, label, detail: label }), 1_000),
    note: text(20_000),
  }),
  record<HostOf<'attached'>>({
    kind: oneOf('attached'),
    request: count,
    attachments: listOf(record<LabelledAttachment>({ attachment, label }), 200),
    problem: text(20_000),
  }),
  record<HostOf<'compose'>>({
    kind: oneOf('compose'),
    labels: listOf(label, 200),
    problem: text(20_000),
    ...draft,
  }),
  record<HostOf<'proposal'>>({
    kind: oneOf('proposal'),
    request: count,
    state: oneOf('open', 'accepted', 'rejected', 'stale'),
    label,
  }),
  record<HostOf<'notice'>>({ kind: oneOf('notice'), text: text(20_000) }),
);

/** undefined = it is none, and is to be dropped. */
export function readPageMessage(value: unknown): PageMessage | undefined {
  return pageMessage(value);
}

/** undefined = it is none, and is to be dropped. */
export function readHostMessage(value: unknown): HostMessage | undefined {
  return hostMessage(value);
}
