/** What the page shows, and how messages change it. No part of it knows the document. */
import type {
  Attachment,
  ChatEvent,
  ChatMessage,
  ChatModelState,
  Conversation,
} from '../../protocol/src/chat';
import type { HostMessage } from '../../protocol/src/chatPage';

/** What is known of the answer that is being written. */
export interface Live {
  readonly message: string;
  readonly phase: 'loading' | 'waiting' | 'summarising' | 'reading' | 'writing';
  /** 0 to 1. */
  readonly share: number;
  readonly tokens: number;
  /** Tokens a second, 0 = not known. */
  readonly speed: number;
}

export interface State {
  readonly model: ChatModelState | null;
  readonly modelProblem: string;
  /** Nothing has been heard of a model, or of a conversation, so far. */
  readonly started: boolean;
  readonly conversation: Conversation | null;
  readonly live: Live | null;
  /** A piece of text is missing: the conversation has to be asked for again. */
  readonly gap: boolean;
}

export const firstState: State = {
  model: null,
  modelProblem: '',
  started: false,
  conversation: null,
  live: null,
  gap: false,
};

export function writing(conversation: Conversation | null): ChatMessage | undefined {
  return conversation?.shown.find(({ state }) => state === 'writing');
}

function withConversation(state: State, conversation: Conversation | null): State {
  const now = writing(conversation);
  const same = now !== undefined && state.live?.message === now.id;
  return { ...state, started: true, conversation, live: same ? state.live : null, gap: false };
}

type TextEvent = Extract<ChatEvent, { kind: 'text' }>;

function withText(state: State, event: TextEvent): State {
  const { conversation } = state;
  const index = conversation?.shown.findIndex(({ id }) => id === event.message) ?? -1;
  const message = conversation?.shown[index];
  if (conversation === null || message === undefined) {
    return state.gap ? state : { ...state, gap: true };
  }
  const old = message[event.part];
  if (event.at > old.length) {
    return state.gap ? state : { ...state, gap: true };
  }
  // What is there already and comes again is the same; what follows it is new.
  const text = event.at === old.length ? old + event.text : old.slice(0, event.at) + event.text;
  const shown = conversation.shown.slice();
  shown[index] = { ...message, [event.part]: text };
  return {
    ...state,
    conversation: { ...conversation, shown },
    live: {
      message: event.message,
      phase: 'writing',
      share: 1,
      tokens: event.tokens,
      speed: event.speed,
    },
  };
}

function withEvent(state: State, event: ChatEvent): State {
  const id = event.kind === 'changed' ? event.conversation.id : event.id;
  if (id !== state.conversation?.id) {
    return state;
  }
  switch (event.kind) {
    case 'changed':
      return withConversation(state, event.conversation);
    case 'text':
      return withText(state, event);
    case 'progress':
      // Late where there are words already.
      return state.live?.message === event.message && state.live.phase === 'writing'
        ? state
        : {
            ...state,
            live: {
              message: event.message,
              phase: event.phase,
              share: Math.min(1, Math.max(0, event.share)),
              tokens: state.live?.tokens ?? 0,
              speed: 0,
            },
          };
    case 'deleted':
      return withConversation(state, null);
  }
}

/** The state after a message; the same object where nothing has changed. */
export function reduce(state: State, message: HostMessage): State {
  switch (message.kind) {
    case 'model':
      return { ...state, model: message.state, modelProblem: message.problem };
    case 'show':
      return withConversation(state, message.conversation);
    case 'event':
      return withEvent(state, message.event);
    default:
      return state;
  }
}

/** Whether something can be said now; otherwise there is no input. */
export function canSpeak({ model }: State): boolean {
  return model !== null && (model.state === 'asleep' || model.state === 'loading' || model.state === 'ready');
}

/** Where a message is said: behind which one, of which conversation. */
export interface SayPlace {
  readonly conversation: string;
  /** '' = it begins the conversation. */
  readonly after: string;
}

export function placeAtEnd({ conversation }: State): SayPlace {
  return { conversation: conversation?.id ?? '', after: conversation?.shown.at(-1)?.id ?? '' };
}

/** In the place of a message. */
export function placeBefore({ conversation }: State, message: string): SayPlace {
  const shown = conversation?.shown ?? [];
  const index = shown.findIndex(({ id }) => id === message);
  return { conversation: conversation?.id ?? '', after: shown[index - 1]?.id ?? '' };
}

/** What was attached to the question of an answer. */
export function attachmentsFor({ conversation }: State, answer: string): readonly Attachment[] {
  const shown = conversation?.shown ?? [];
  const index = shown.findIndex(({ id }) => id === answer);
  const question = shown.slice(0, index).findLast(({ role }) => role === 'user');
  return (question?.attachments ?? []).map(({ attachment }) => attachment);
}
