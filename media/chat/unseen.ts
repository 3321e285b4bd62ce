/**
 * Characters that nobody sees but that change what is seen: those that turn the direction of text around, and control characters such as the one
 * that begins a terminal's colours. They are shown as what they are.
 */

// Written by number, so that this file holds none of them.
const characters =
  '[\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F\\u061C\\u200B\\u200E\\u200F\\u2028\\u2029\\u202A-\\u202E\\u2060-\\u2064\\u2066-\\u2069\\uFEFF]|\\uDB40[\\uDC00-\\uDC7F]';
const one = new RegExp(characters);
const every = new RegExp(characters, 'g');

/** U+202E, for example. */
export function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

export function hasUnseen(text: string): boolean {
  return one.test(text);
}

/** The same text with such characters written out: `\u202E` becomes ⟨U+202E⟩. For labels and titles. */
export function visible(text: string): string {
  return text.replace(every, (character) => `⟨${nameOf(character)}⟩`);
}

/** Cuts a text at such characters; they are pieces of their own, with `unseen` true. */
export function pieces(text: string): { readonly text: string; readonly unseen: boolean }[] {
  const found: { text: string; unseen: boolean }[] = [];
  let end = 0;
  for (const match of text.matchAll(every)) {
    if (match.index > end) {
      found.push({ text: text.slice(end, match.index), unseen: false });
    }
    found.push({ text: match[0], unseen: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) {
    found.push({ text: text.slice(end), unseen: false });
  }
  return found;
}
