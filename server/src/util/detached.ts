/** A copy that does not keep the long string alive of which `text` is a part: engines represent parts of strings as references. */
export function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
