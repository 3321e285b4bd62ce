/**
 * What the engine remembers of conversations: for each, a few sessions that end where something may branch off: behind a prompt (another answer
 * begins there) and behind an answer (the next question, or another one, does). A session that is rolled back into a finished page of its cache
 * computes that page anew, up to 128 tokens; a fork that ends at the right place has nothing to compute. Forks share all finished pages, so one
 * costs no more than a page.
 */
import type { ConversationId } from '#protocol';
import { EngineSession, type EnginePort, type ModelHandle, type TokenId } from '../engine';
import type { LoadedModel } from '../models';
import { Holds } from '../util/holds';

/** Beyond this many conversations nobody goes back and forth. */
const mostConversations = 4;
/**
 * Places that are kept of a conversation. Behind a prompt another answer begins, behind an answer it goes on; both are wanted for the last alone.
 * What was read ahead ends where the next question, or another one in its place, begins: of as many turns as there is memory for.
 */
export type PlaceKind = 'prompt' | 'answer' | 'ahead';
const mostAhead = 8;
const fewestAhead = 2;
/** Bytes that the places of a conversation may hold besides finished pages, which they share: each up to a page in half precision. */
const aheadBytes = 64 * 2 ** 20;

/** 18 MB a place, and so three, with an 8B model. */
function mostOf(kind: PlaceKind, { info }: LoadedModel): number {
  const fitting = Math.floor(aheadBytes / (pageTokens * info.kvBytesPerToken));
  return kind === 'ahead' ? Math.min(mostAhead, Math.max(fewestAhead, fitting)) : 1;
}
/** Tokens of a page of the KV cache. */
const pageTokens = 128;

interface Place {
  readonly kind: PlaceKind;
  readonly session: EngineSession;
  /** What it has evaluated, or is about to. */
  tokens: readonly TokenId[];
}

function commonPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) {
    length += 1;
  }
  return length;
}

/** Tokens of a prompt that a session need not compute: of a page that is finished, all or none. */
export function keptOf(held: readonly TokenId[], prompt: readonly TokenId[]): number {
  const common = commonPrefix(held, prompt);
  const isRolledBackInto = Math.floor(held.length / pageTokens) > Math.floor(common / pageTokens);
  return isRolledBackInto ? common - (common % pageTokens) : common;
}

export class ChatSessions {
  /** In order of use, the latest last; so are the places of each. */
  private readonly conversations = new Map<ConversationId, Place[]>();
  private model: ModelHandle | undefined;
  /** Conversations with work going on, and how much: their sessions stay. */
  private readonly held = new Holds<ConversationId>();

  constructor(private readonly engine: EnginePort) {}

  /** Runs something that needs the conversation's sessions to the end, however many other conversations come meanwhile. */
  holding<T>(id: ConversationId, work: () => Promise<T>): Promise<T> {
    return this.held.during(id, work);
  }

  /**
   * A session that has as much as possible of the prompt, and is a place of the conversation's from then on. Sessions of a model that is not
   * loaded any more are gone with it.
   */
  async at(
    id: ConversationId,
    model: LoadedModel,
    prompt: readonly TokenId[],
    kind: 'prompt' | 'ahead' = 'prompt',
  ): Promise<EngineSession> {
    const places = await this.placesOf(id, model);
    const best = places
      .map((place) => ({ place, kept: keptOf(place.tokens, prompt) }))
      .sort((a, b) => b.kept - a.kept)[0];
    const from = best !== undefined && best.kept > 0 ? best.place : undefined;
    return (await this.branch(places, kind, from, model, prompt)).session;
  }

  /** A branch of the session that `at` gave out, for what is said behind its prompt. `said` tells what that was. */
  async behind(
    id: ConversationId,
    model: LoadedModel,
    session: EngineSession,
    prompt: readonly TokenId[],
  ): Promise<{ readonly session: EngineSession; readonly said: (tokens: readonly TokenId[]) => void }> {
    const places = await this.placesOf(id, model);
    const from = places.find((place) => place.session === session);
    const place = await this.branch(places, 'answer', from, model, prompt);
    return {
      session: place.session,
      said: (tokens) => {
        place.tokens = [...prompt, ...tokens];
      },
    };
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.conversations.keys()].map((id) => this.release(id)));
  }

  async release(id: ConversationId): Promise<void> {
    const places = this.conversations.get(id) ?? [];
    this.conversations.delete(id);
    await Promise.all(places.map(({ session }) => close(session)));
  }

  private async placesOf(id: ConversationId, { handle }: LoadedModel): Promise<Place[]> {
    if (this.model !== handle) {
      this.model = handle;
      this.conversations.clear();
    }
    const places = this.conversations.get(id) ?? [];
    this.conversations.delete(id);
    this.conversations.set(id, places);
    const idle = [...this.conversations.keys()].filter((one) => one !== id && !this.held.has(one));
    for (const one of idle.slice(0, Math.max(0, this.conversations.size - mostConversations))) {
      await this.release(one);
    }
    return places;
  }

  private async branch(
    places: Place[],
    kind: PlaceKind,
    from: Place | undefined,
    model: LoadedModel,
    tokens: readonly TokenId[],
  ): Promise<Place> {
    const { handle, kv } = model;
    const session =
      (await from?.session.fork()) ??
      (await EngineSession.open(this.engine, handle, kv.context, kv.codec, { user: 'chat' }));
    const place = { kind, session, tokens };
    places.push(place);
    const alike = places.filter((one) => one.kind === kind);
    for (const old of alike.slice(0, -mostOf(kind, model))) {
      places.splice(places.indexOf(old), 1);
      await close(old.session);
    }
    return place;
  }
}

/** Of a model that is gone: its sessions went with it. */
async function close(session: EngineSession | undefined): Promise<void> {
  await session?.close().catch(() => undefined);
}
