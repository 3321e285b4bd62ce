/** The bytes of a file as the text that VS Code makes of them: edits count in that one. For files that are not open in the editor. */

export interface EditorText {
  /** Without a byte order mark, with one kind of line end. */
  readonly text: string;
  /** Why it cannot be edited, a sentence; '' = it can. Then there is no text. */
  readonly problem: string;
}

const refused = (problem: string): EditorText => ({ text: '', problem });

/** VS Code makes all line ends the same: CR LF where more than half have a CR, otherwise LF. */
export function withOneLineEnd(text: string): string {
  const counts = { '\r\n': 0, '\n': 0, '\r': 0 };
  for (const [end] of text.matchAll(/\r\n|\n|\r/g)) {
    counts[end as keyof typeof counts] += 1;
  }
  const withReturn = counts['\r\n'] + counts['\r'];
  const end = withReturn > (withReturn + counts['\n']) / 2 ? '\r\n' : '\n';
  const isMixed = end === '\n' ? withReturn > 0 : counts['\r'] + counts['\n'] > 0;
  return isMixed ? text.replace(/\r\n|\n|\r/g, end) : text;
}

/** UTF-8, and UTF-16 with a byte order mark. What VS Code would read by the user's settings in another encoding is refused: nobody here knows which. */
export function editorText(bytes: Uint8Array): EditorText {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  let text: string;
  try {
    // It takes a byte order mark off, and refuses what is not well-formed.
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return refused(
      encoding === 'utf-8' ? 'The file is not encoded as UTF-8.' : 'The file is not valid UTF-16.',
    );
  }
  return text.includes('\0') ? refused('The file is binary.') : { text: withOneLineEnd(text), problem: '' };
}
