/** What a person who edits a file changes, place by place: the difference of two texts, as pieces to take away and to type. */

/** Lines with their breaks. */
function linesOf(text) {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The longest common subsequence of two lists of lines, as pairs of indices. Quadratic: for files, not for books. */
function commonLines(a, b) {
  const width = b.length + 1;
  const best = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * width + j] =
        a[i] === b[j]
          ? best[(i + 1) * width + j + 1] + 1
          : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      pairs.push([i, j]);
      i += 1;
      j += 1;
    } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return pairs;
}

/** Without what both have in common at their ends, and at the end of a line where whole lines are new: one presses Enter there. */
function narrowed(before, { at, removed, added }) {
  let head = 0;
  while (head < removed.length && head < added.length && removed[head] === added[head]) {
    head += 1;
  }
  let tail = 0;
  const most = Math.min(removed.length, added.length) - head;
  while (tail < most && removed[removed.length - 1 - tail] === added[added.length - 1 - tail]) {
    tail += 1;
  }
  const piece = {
    at: at + head,
    removed: removed.slice(head, removed.length - tail),
    added: added.slice(head, added.length - tail),
  };
  const wholeLines = piece.added.endsWith('\n') && !piece.added.startsWith('\n') && piece.removed === '';
  return wholeLines && before[piece.at - 1] === '\n'
    ? { at: piece.at - 1, removed: '', added: `\n${piece.added.slice(0, -1)}` }
    : piece;
}

/**
 * @param {string} before
 * @param {string} after
 * @returns {{ at: number, removed: string, added: string }[]} in order, offsets of `before`
 */
export function hunks(before, after) {
  const [a, b] = [linesOf(before), linesOf(after)];
  const found = [];
  let [i, j, offset] = [0, 0, 0];
  for (const [nextA, nextB] of [...commonLines(a, b), [a.length, b.length]]) {
    const removed = a.slice(i, nextA).join('');
    const added = b.slice(j, nextB).join('');
    if (removed !== '' || added !== '') {
      found.push(narrowed(before, { at: offset, removed, added }));
    }
    offset += removed.length + (a[nextA]?.length ?? 0);
    [i, j] = [nextA + 1, nextB + 1];
  }
  return found;
}
