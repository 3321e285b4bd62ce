/** The names in a text, and how alike two texts are by them. */

/** Words that say nothing about what a text is about, in whatever language. */
const common = new Set(
  (
    'abstract and any as async await auto bool boolean break case catch char class const continue def default defer del delete do double ' +
    'elif else end enum export extends extern false final finally float fn for foreach from func function get global go goto if impl ' +
    'implements import in include inline instanceof int interface is lambda let long match mod module mut namespace new nil none not null ' +
    'number object of operator or override package pass private protected pub public raise readonly ref require return self set short signed ' +
    'sizeof static std str string struct super switch template the then this throw throws trait true try type typedef typeof undefined union ' +
    'unsigned use using val var virtual void volatile when where while with yield'
  ).split(' '),
);

const identifier = /[\p{L}_$][\p{L}\p{N}_$]{2,79}/gu;

export function isCommonWord(name: string): boolean {
  return common.has(name.toLowerCase());
}

/** Names of three characters and more, common words left out. */
export function identifiersOf(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name] of text.matchAll(identifier)) {
    if (!isCommonWord(name)) {
      names.add(name);
    }
  }
  return names;
}

/** Jaccard similarity: names in both by names in either; 0 when there are none. */
export function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const name of few) {
    shared += many.has(name) ? 1 : 0;
  }
  return shared === 0 ? 0 : shared / (a.size + b.size - shared);
}
