/**
 * What an editor does while a recording is replayed: it shows a suggestion as long as what is typed agrees with it, and its user
 * takes it when it says what the recording types next. Knows nothing of servers and clocks.
 */
import { Documents, isKey } from './format.mjs';
import { Random } from './random.mjs';

/** Shorter ones are typed sooner than taken. */
const worthTaking = 3;
/** Milliseconds that a suggestion has to be there before anybody can take it. */
const reactionMs = 250;
/** Keystrokes of the recording that a suggestion may stand for. */
const longestSkip = 400;

/** Length and cursor of the file that is shown, behind every event from `from` on, until something else than an edit or a move comes. */
function* ahead(events, from, document) {
  let { length } = document.text;
  const last = Math.min(events.length, from + longestSkip);
  for (let i = from; i < last; i += 1) {
    const event = events[i];
    let cursor;
    if (event.type === 'move') {
      cursor = event.to;
    } else if (event.type === 'edit') {
      const { at, delete: deleted = 0, insert = '' } = event;
      length += insert.length - deleted;
      cursor = event.cursor ?? at + insert.length;
    } else {
      return;
    }
    yield { next: i + 1, length, cursor };
  }
}

export class Editor {
  documents = new Documents();
  figures = { typed: 0, keys: 0, shown: 0, right: 0, accepted: 0, saved: 0, couldSave: 0 };
  /**
   * What is shown: { text, start, end, since, wanted }, offsets of the file that is shown. `wanted`: whether the user takes it where it
   * is right.
   */
  ghost = undefined;
  #events;
  #next = 0;
  #random;
  #share;

  /** @param {{ events: object[] }} recording @param {{ acceptShare?: number, seed?: number }} [options] */
  constructor({ events }, { acceptShare = 0.5, seed = 1 } = {}) {
    this.#events = events;
    this.#share = acceptShare;
    this.#random = new Random(seed);
  }

  /** The event that comes next; undefined at the end. */
  get upcoming() {
    return this.#events[this.#next];
  }

  /**
   * Takes the next event, or the suggestion in its stead. Returns { event, change, accepted }: the event that the recording has gone to,
   * and { doc, at, gone, insert } where a text changed.
   */
  step(now) {
    const taken = this.#take(now);
    if (taken !== undefined) {
      return taken;
    }
    const event = this.#events[this.#next];
    this.#next += 1;
    const before = this.documents.open.get(this.documents.shown)?.text;
    this.documents.apply(event);
    if (event.type !== 'edit') {
      this.ghost = undefined;
      return { event, change: undefined, accepted: false };
    }
    const { at, delete: deleted = 0, insert = '' } = event;
    if (isKey(event)) {
      this.figures.keys += 1;
      this.figures.typed += insert.length;
    }
    this.#keepGhost(event);
    return {
      ...{ event, accepted: false },
      change: { doc: this.documents.shown, at, gone: before.slice(at, at + deleted), insert },
    };
  }

  /** An answer has come for the text as it is now. `item` = { text, start, end }, undefined = nothing. */
  show(item, now) {
    const { ghost } = this;
    if (item === undefined || (ghost?.text === item.text && ghost.start === item.start)) {
      this.ghost = item && ghost;
      return;
    }
    this.ghost = { ...item, since: now, wanted: this.#random.chance(this.#share) };
    this.figures.shown += 1;
    if (this.#skip() > 0) {
      this.figures.right += 1;
      this.figures.couldSave += item.text.length - 1;
    }
  }

  /** Typed along, the rest of it stays; else it goes. */
  #keepGhost({ at, delete: deleted = 0, insert = '', cursor = at + insert.length }) {
    const { ghost } = this;
    const typed = insert.slice(0, cursor - at);
    const along =
      at === ghost?.start && typed !== '' && ghost.text.startsWith(typed) && ghost.text.length > typed.length;
    // Brackets that came with the key stand where the suggestion has its own.
    this.ghost = along
      ? {
          ...ghost,
          text: ghost.text.slice(typed.length),
          start: cursor,
          end: Math.max(cursor, ghost.end + insert.length - deleted),
        }
      : undefined;
  }

  /** How many events of the recording the suggestion stands for; 0 where the recording never comes to that text. */
  #skip() {
    const { ghost } = this;
    const document = this.documents.current;
    if (ghost === undefined || ghost.text.length < worthTaking || ghost.end > document.text.length) {
      return 0;
    }
    const text = document.text.slice(0, ghost.start) + ghost.text + document.text.slice(ghost.end);
    const cursor = ghost.start + ghost.text.length;
    for (const reached of ahead(this.#events, this.#next, document)) {
      if (reached.length === text.length && reached.cursor === cursor && this.#leadsTo(reached.next, text)) {
        return reached.next - this.#next;
      }
    }
    return 0;
  }

  #leadsTo(next, wanted) {
    let { text } = this.documents.current;
    for (let i = this.#next; i < next; i += 1) {
      const { type, at, delete: deleted = 0, insert = '' } = this.#events[i];
      if (type === 'edit') {
        text = text.slice(0, at) + insert + text.slice(at + deleted);
      }
    }
    return text === wanted;
  }

  #take(now) {
    const document = this.documents.open.get(this.documents.shown);
    const { ghost } = this;
    const skip = ghost?.wanted === true && now - ghost.since >= reactionMs ? this.#skip() : 0;
    if (skip === 0) {
      return undefined;
    }
    const gone = document.text.slice(ghost.start, ghost.end);
    const change = { doc: this.documents.shown, at: ghost.start, gone, insert: ghost.text };
    document.text = document.text.slice(0, ghost.start) + ghost.text + document.text.slice(ghost.end);
    document.cursor = ghost.start + ghost.text.length;
    this.ghost = undefined;
    const event = this.#events[this.#next + skip - 1];
    this.#next += skip;
    this.figures.accepted += 1;
    this.figures.saved += ghost.text.length - 1;
    return { event, change, accepted: true };
  }
}
