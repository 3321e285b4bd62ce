/** Finding paths by a few of their characters. */

/** The lower the better; undefined = the characters are not there in this order. */
export function scoreOf(path: string, query: string): number | undefined {
  const [text, wanted] = [path.toLowerCase(), query.toLowerCase()];
  const name = text.slice(text.lastIndexOf('/') + 1);
  const inName = name.indexOf(wanted);
  if (inName >= 0) {
    return inName === 0 ? name.length / 1000 : 1 + name.length / 1000;
  }
  if (text.includes(wanted)) {
    return 2 + text.length / 1000;
  }
  let at = -1;
  let gaps = 0;
  for (const character of wanted) {
    const next = text.indexOf(character, at + 1);
    if (next < 0) {
      return undefined;
    }
    gaps += next - at - 1;
    at = next;
  }
  return 3 + gaps;
}

/** The best matches first, at most `most`. */
export function bestMatches<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  query: string,
  most: number,
): T[] {
  return items
    .flatMap((item, index) => {
      const score = query === '' ? 0 : scoreOf(nameOf(item), query);
      return score === undefined ? [] : [{ item, score, index }];
    })
    .sort((a, b) => a.score - b.score || a.index - b.index)
    .slice(0, most)
    .map(({ item }) => item);
}
