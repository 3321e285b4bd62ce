/**
 * Recordings of editing, as JSON lines. What an editor does is in them, not which keys were pressed: a key that closes a bracket by
 * itself is one edit that inserts two characters.
 *
 * The first line is the head:
 *   { "recording": 1, "title": "…", "source": "where it is from" }
 * Each other line is an event. `t` is in milliseconds since the beginning and never falls; offsets count UTF-16 units:
 *   { "t", "type": "open", "doc": "src/a.ts", "language": "typescript", "text": "…", "cursor"? }   a file is opened and shown
 *   { "t", "type": "show", "doc": "src/a.ts" }                    an open file is shown again, the cursor where it was
 *   { "t", "type": "close", "doc": "src/a.ts" }                   a file is closed; another one is shown next
 *   { "t", "type": "move", "to": 120 }                            the cursor is put elsewhere in the file that is shown
 *   { "t", "type": "edit", "at": 120, "delete"?: 1, "insert"?: "x", "cursor"?: 121, "by"?: "command" }
 *         one keystroke: `delete` characters from `at` on go, `insert` comes; the cursor is behind it where nothing else is said.
 *         "by": "command" = no key that types (undo, a deleted selection): editors ask for no completion after it.
 */

const kinds = {
  open: { doc: 'string', language: 'string', text: 'string' },
  show: { doc: 'string' },
  close: { doc: 'string' },
  move: { to: 'number' },
  edit: { at: 'number' },
};

/** @param {{ title: string, source: string, events: object[] }} recording */
export function writeRecording({ title, source, events }) {
  return [{ recording: 1, title, source }, ...events].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function fail(line, what) {
  throw new Error(`Line ${line} of the recording ${what}.`);
}

/** Reads a recording and replays it once without anybody watching, so that whoever replays it need not check anything. */
export function readRecording(text) {
  const lines = text.split('\n');
  const parsed = lines.flatMap((line, i) => {
    if (line.trim() === '') {
      return [];
    }
    try {
      return [JSON.parse(line)];
    } catch {
      return fail(i + 1, 'is not JSON');
    }
  });
  const [head, ...events] = parsed;
  if (head?.recording !== 1) {
    fail(1, 'is no head of a recording of version 1');
  }
  const recording = { title: String(head.title), source: String(head.source), events };
  checkRecording(recording);
  return recording;
}

/** Throws where an event makes no sense: of an unknown type, back in time, outside its document. */
export function checkRecording({ events }) {
  const documents = new Documents();
  let last = 0;
  events.forEach((event, i) => {
    const line = i + 2;
    const fields = kinds[event.type] ?? fail(line, `has an event of the unknown type ${String(event.type)}`);
    for (const [name, type] of Object.entries({ t: 'number', ...fields })) {
      if (typeof event[name] !== type) {
        fail(line, `needs "${name}"`);
      }
    }
    if (event.t < last) {
      fail(line, 'goes back in time');
    }
    last = event.t;
    try {
      documents.apply(event);
    } catch (error) {
      fail(line, error.message);
    }
  });
}

function within(value, most) {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new Error('points outside its document');
  }
  return value;
}

/** The open files while a recording is replayed. */
export class Documents {
  /** name → { text, cursor, language } */
  open = new Map();
  /** The name of the file that is shown. */
  shown = undefined;

  get current() {
    const document = this.open.get(this.shown);
    if (document === undefined) {
      throw new Error('has no file to act on');
    }
    return document;
  }

  apply(event) {
    switch (event.type) {
      case 'open':
        if (this.open.has(event.doc)) {
          throw new Error('opens a file that is open');
        }
        this.open.set(event.doc, {
          text: event.text,
          cursor: within(event.cursor ?? 0, event.text.length),
          language: event.language,
        });
        this.shown = event.doc;
        break;
      case 'show':
        if (!this.open.has(event.doc)) {
          throw new Error('shows a file that is not open');
        }
        this.shown = event.doc;
        break;
      case 'close':
        if (!this.open.delete(event.doc)) {
          throw new Error('closes a file that is not open');
        }
        this.shown = this.shown === event.doc ? undefined : this.shown;
        break;
      case 'move':
        this.current.cursor = within(event.to, this.current.text.length);
        break;
      default:
        this.edit(event);
    }
  }

  edit({ at, delete: deleted = 0, insert = '', cursor = at + insert.length }) {
    const document = this.current;
    within(at, document.text.length);
    within(at + deleted, document.text.length);
    document.text = document.text.slice(0, at) + insert + document.text.slice(at + deleted);
    document.cursor = within(cursor, document.text.length);
  }
}

/** Whether an event is a keystroke that types or takes back, after which an editor asks for a completion. */
export function isKey(event) {
  return event.type === 'edit' && event.by !== 'command';
}
