/** Diffs that are too long to be sent around. */

/** UTF-16 units; nobody attaches more, and it would be sent around with every key. */
const longestDiff = 400_000;

/** A diff that is too long ends between two files, and says so. */
export function shortened(diff: string, most = longestDiff): string {
  if (diff.length <= most) {
    return diff;
  }
  const cut = Math.max(0, diff.lastIndexOf('\ndiff --git ', most)) || most;
  const left = diff.slice(cut).split('\ndiff --git ').length - 1;
  const what =
    left === 0 ? 'The rest of this file is not shown.' : `${String(left)} more files are not shown.`;
  return `${diff.slice(0, cut)}\n\n(${what})\n`;
}
