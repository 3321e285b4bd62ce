import { NotificationType, RequestType, RequestType0 } from 'vscode-jsonrpc';

/** 16 hexadecimal digits. */
export type ConversationId = string;
/** Unique in its conversation. */
export type MessageId = string;

/** What a chat model can be asked, and whether there is one. */
export interface ChatModelState {
  /**
   * none: the only models there are complete text and were not made to talk; one must be imported. asleep: known, loaded with the first
   * message. failed: `problem` says why.
   */
  readonly state: 'none' | 'asleep' | 'loading' | 'ready' | 'failed';
  readonly name: string;
  /** A sentence; '' = there is none. */
  readonly problem: string;
  /** Tokens that a conversation may hold, answer included; 0 = not known yet. */
  readonly contextTokens: number;
  /** Whether it can be asked to think before it answers. */
  readonly canThink: boolean;
}

/** Something that the user shows the model with a message. Lines count from 0; the end is not included. */
export type Attachment =
  | { readonly kind: 'file'; readonly uri: string }
  | { readonly kind: 'folder'; readonly uri: string }
  | {
      readonly kind: 'selection' | 'symbol';
      readonly uri: string;
      readonly name: string;
      readonly startLine: number;
      readonly endLine: number;
    }
  /** The client knows these, the server does not: `text` is what is shown. `uri` '' = of the whole workspace. */
  | { readonly kind: 'problems' | 'changes'; readonly uri: string; readonly text: string };

export type AttachmentKind = Attachment['kind'];

/** What became of an attachment. */
export interface ShownAttachment {
  readonly attachment: Attachment;
  /** As it is called in the view: `server/src/a.ts:10-20`. */
  readonly label: string;
  /** Of what the model reads of it. */
  readonly tokens: number;
  /** Of the whole of it; more than `tokens` where only a part is shown. */
  readonly wholeTokens: number;
  readonly shown: 'whole' | 'part' | 'none';
  /** Why it is not shown, or not whole: a sentence. '' = it is. */
  readonly reason: string;
  /** Of a folder: the files of it that are shown, relative to it. */
  readonly files: readonly string[];
}

/** explain, fix, tests, doc: about what is attached. new: files from a prompt, a place kept for them. */
export type SlashCommand = 'explain' | 'fix' | 'tests' | 'doc';

export interface AnswerFigures {
  /** Of the prompt: evaluated for this answer, and taken over from what was cached. */
  readonly evaluatedTokens: number;
  readonly reusedTokens: number;
  readonly answerTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

export interface ChatMessage {
  readonly id: MessageId;
  readonly role: 'user' | 'assistant';
  /** Markdown, for an answer. */
  readonly text: string;
  /** What the model thought before it answered; '' = nothing. */
  readonly thinking: string;
  readonly command: SlashCommand | '';
  readonly attachments: readonly ShownAttachment[];
  /**
   * stopped: by the user. cut: the token limit or the context was reached. interrupted: the server ended in mid-answer; what there was has
   * been kept. The three can be continued.
   */
  readonly state: 'done' | 'writing' | 'stopped' | 'cut' | 'interrupted' | 'failed';
  /** Why it failed or was cut, a sentence; '' otherwise. */
  readonly problem: string;
  readonly figures: AnswerFigures | null;
  /** All messages that stand in this place, this one included, oldest first: others were said before an edit or a regeneration. */
  readonly versions: readonly MessageId[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface ConversationSummary {
  readonly id: ConversationId;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
  readonly messages: number;
  /** An answer is being written. */
  readonly busy: boolean;
}

/** How a conversation fits into the model's context. */
export interface ContextUse {
  /** Of the whole prompt of the next answer, as far as it is known. */
  readonly tokens: number;
  /** What a prompt may have; room for the answer is taken off. */
  readonly budget: number;
  /** The oldest messages that the model sees only as a summary. */
  readonly summarised: number;
  /** The summary; '' = none. */
  readonly summary: string;
}

export interface Conversation extends ConversationSummary {
  /** From the first to the newest, one version each. */
  readonly shown: readonly ChatMessage[];
  readonly thinking: boolean;
  readonly context: ContextUse;
}

/** client → server. */
export namespace ChatModelRequest {
  export const method = 'niwaki/chat/model';
  export const type = new RequestType0<ChatModelState, void>(method);
}

/** server → client, whenever it changes. */
export namespace ChatModelNotification {
  export const method = 'niwaki/chat/modelChanged';
  export const type = new NotificationType<ChatModelState>(method);
}

/** client → server: the workspace's conversations, the newest first. `search`: words that title or messages must contain, '' = all. */
export namespace ListConversationsRequest {
  export const method = 'niwaki/chat/list';
  export interface Params {
    readonly search: string;
  }
  export interface Result {
    readonly conversations: readonly ConversationSummary[];
    /** What could not be read and was put aside, in sentences. */
    readonly notes: readonly string[];
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server. null = there is no such conversation. */
export namespace OpenConversationRequest {
  export const method = 'niwaki/chat/open';
  export interface Params {
    readonly id: ConversationId;
  }
  export const type = new RequestType<Params, Conversation | null, void>(method);
}

/** A sentence; '' = it was done. */
export interface ChatOutcome {
  readonly problem: string;
}

/**
 * client → server: says something and begins the answer, which comes in notifications. Resolves when the message is on disk and the
 * answer has been begun, or with a problem, and then nothing was added.
 */
export namespace SendMessageRequest {
  export const method = 'niwaki/chat/send';
  export interface Params {
    /** '' = a new one. */
    readonly conversation: ConversationId;
    /** The message that it follows; '' = it is the first. To edit a message is to send another after the one before it. */
    readonly after: MessageId;
    readonly text: string;
    readonly command: SlashCommand | '';
    readonly attachments: readonly Attachment[];
    readonly thinking: boolean;
  }
  export interface Result extends ChatOutcome {
    readonly conversation: ConversationId;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: another answer in the place of this one, which stays as a version. */
export namespace RegenerateRequest {
  export const method = 'niwaki/chat/regenerate';
  export interface Params {
    readonly conversation: ConversationId;
    readonly message: MessageId;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server: goes on with an answer that was stopped, cut or interrupted. */
export namespace ContinueAnswerRequest {
  export const method = 'niwaki/chat/continue';
  export interface Params {
    readonly conversation: ConversationId;
    readonly message: MessageId;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server: ends the answer that is being written; what there is stays. Resolves when the engine is idle. */
export namespace StopAnswerRequest {
  export const method = 'niwaki/chat/stop';
  export interface Params {
    readonly conversation: ConversationId;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server: shows another version of a message, with what followed it. */
export namespace SelectVersionRequest {
  export const method = 'niwaki/chat/select';
  export interface Params {
    readonly conversation: ConversationId;
    readonly message: MessageId;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server. */
export namespace RenameConversationRequest {
  export const method = 'niwaki/chat/rename';
  export interface Params {
    readonly id: ConversationId;
    readonly title: string;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server: from the disk too. */
export namespace DeleteConversationRequest {
  export const method = 'niwaki/chat/delete';
  export interface Params {
    readonly id: ConversationId;
  }
  export const type = new RequestType<Params, ChatOutcome, void>(method);
}

/** client → server: the messages that are shown, as Markdown. '' = there is no such conversation. */
export namespace ExportConversationRequest {
  export const method = 'niwaki/chat/export';
  export interface Params {
    readonly id: ConversationId;
  }
  export const type = new RequestType<Params, string, void>(method);
}

/** client → server: what a message would show and how it would fit, before it is sent. Does not load a model that is asleep: counts are 0 then. */
export namespace MeasureMessageRequest {
  export const method = 'niwaki/chat/measure';
  export interface Params {
    readonly conversation: ConversationId;
    readonly after: MessageId;
    readonly text: string;
    readonly command: SlashCommand | '';
    readonly attachments: readonly Attachment[];
  }
  export interface Result {
    readonly attachments: readonly ShownAttachment[];
    readonly context: ContextUse;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** server → client. Texts come at most thirty times a second. */
export type ChatEvent =
  /** The conversation is another than before in more than its newest answer's text: show it anew. */
  | { readonly kind: 'changed'; readonly conversation: Conversation }
  /** What the engine does before the first word. `share` 0 to 1. */
  | {
      readonly kind: 'progress';
      readonly id: ConversationId;
      readonly message: MessageId;
      readonly phase: 'loading' | 'waiting' | 'summarising' | 'reading';
      readonly share: number;
    }
  /** More text of an answer: it follows the first `at` UTF-16 units of its part. */
  | {
      readonly kind: 'text';
      readonly id: ConversationId;
      readonly message: MessageId;
      readonly part: 'thinking' | 'text';
      readonly at: number;
      readonly text: string;
      /** So far, both parts. */
      readonly tokens: number;
      /** Tokens a second, 0 = not known yet. */
      readonly speed: number;
    }
  | { readonly kind: 'deleted'; readonly id: ConversationId };

export namespace ChatEventNotification {
  export const method = 'niwaki/chat/event';
  export type Params = ChatEvent;
  export const type = new NotificationType<ChatEvent>(method);
}

/**
 * client → server: a commit message for a diff. Cancelled by cancelling the request; the text so far comes in notifications with the
 * same job.
 */
export namespace CommitMessageRequest {
  export const method = 'niwaki/chat/commitMessage';
  export interface Params {
    /** Names it in CommitMessageNotification. */
    readonly job: string;
    /** A unified diff. Sections of files that are kept from models are taken out. */
    readonly diff: string;
    /** The repository's folder. */
    readonly root: string;
    /** Subjects of the last commits, the newest first: the style to follow. */
    readonly recent: readonly string[];
  }
  export interface Result extends ChatOutcome {
    readonly text: string;
    readonly cancelled: boolean;
    /** What of the diff was not shown, a sentence; '' = nothing. */
    readonly leftOut: string;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

export namespace CommitMessageNotification {
  export const method = 'niwaki/chat/commitText';
  export interface Params {
    readonly job: string;
    /** All of it so far. */
    readonly text: string;
  }
  export const type = new NotificationType<Params>(method);
}
