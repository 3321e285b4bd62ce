/** Texts out of files, made fit to be shown: a model file may hold anything, also terminal commands or megabytes. */

/** One line without control characters, of at most `most` characters. */
export function shownText(text: string, most = 200): string {
  const line = text.slice(0, most).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u{fffd}');
  return text.length > most ? `${line}…` : line;
}
