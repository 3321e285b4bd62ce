/** How much of what is attached fits into the model's context: whole where it does, whole lines of it where it does not. */
import type { ShownAttachment } from '#protocol';
import type { Collected, Piece } from './collect';

/** An attachment with what the model reads of it: a file may be another one tomorrow, a conversation is not. */
export interface KeptAttachment extends ShownAttachment {
  readonly content: string;
}

/** Tokens of a text, for the model that answers. */
export type CountTokens = (text: string) => Promise<number>;

/** A text between fences that are longer than any in it. */
function fenced({ language, text }: Piece): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

/** A piece as the model reads it. Names of files may hold anything; a title is one line. */
export function shownPiece(piece: Piece): string {
  // eslint-disable-next-line no-control-regex
  return `${piece.title.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ')}:\n${fenced(piece)}\n`;
}

const few = 8;

/** The most whole lines of a piece that fit into `room` tokens; undefined when it is hardly any. */
async function cutPiece(
  piece: Piece,
  tokens: number,
  room: number,
  count: CountTokens,
): Promise<string | undefined> {
  const lines = piece.text.split('\n');
  let kept = Math.floor((lines.length * room) / tokens);
  while (kept >= Math.min(few, lines.length / 2)) {
    const text = shownPiece({
      ...piece,
      title: `${piece.title}, its first ${String(kept)} lines`,
      text: lines.slice(0, kept).join('\n'),
    });
    if ((await count(text)) <= room) {
      return text;
    }
    kept = Math.floor(kept * 0.85);
  }
  return undefined;
}

const leftOut = (shown: number, whole: number): string =>
  `${shown.toLocaleString('en-US')} of ${whole.toLocaleString('en-US')} tokens are shown: the rest does not fit into the model's context.`;

/** Of a folder the files that fit, of all else a part of it. Returns what is shown; `room` is in tokens. */
async function fitOne(collected: Collected, room: number, count: CountTokens): Promise<KeptAttachment> {
  const { attachment, label, pieces, reason } = collected;
  const parts: string[] = [];
  const files: string[] = [];
  let used = 0;
  let whole = 0;
  let isCut = false;
  for (const piece of pieces) {
    const text = shownPiece(piece);
    const tokens = await count(text);
    whole += tokens;
    if (used + tokens <= room) {
      parts.push(text);
      used += tokens;
      if (piece.file !== '') {
        files.push(piece.file);
      }
    } else if (!isCut && piece.file === '') {
      const part = await cutPiece(piece, tokens, room - used, count);
      isCut = true;
      if (part !== undefined) {
        parts.push(part);
        used += await count(part);
      }
    } else {
      isCut = true; // a smaller file may still fit
    }
  }
  const shown = parts.length === 0 ? 'none' : isCut ? 'part' : 'whole';
  const why = isCut ? leftOut(used, whole) : '';
  return {
    attachment,
    label,
    content: parts.join('\n'),
    tokens: used,
    wholeTokens: whole,
    shown,
    reason: [reason, why].filter((sentence) => sentence !== '').join(' '),
    files,
  };
}

/**
 * In the order in which they were attached, each in what the others have left of `room` tokens. What is larger than its share of the
 * room takes what the smaller ones do not need.
 */
export async function fitAttachments(
  collected: readonly Collected[],
  room: number,
  count: CountTokens,
): Promise<readonly KeptAttachment[]> {
  const wholes = await Promise.all(
    collected.map(async ({ pieces }) => {
      const counts = await Promise.all(pieces.map((piece) => count(shownPiece(piece))));
      return counts.reduce((sum, tokens) => sum + tokens, 0);
    }),
  );
  const shares = shareOut(wholes, room);
  const fitted: KeptAttachment[] = [];
  for (const [i, one] of collected.entries()) {
    fitted.push(await fitOne(one, shares[i] ?? 0, count));
  }
  return fitted;
}

/** Gives everybody what they need, or an equal share of what is left: nobody's need is cut while another gets more than they do. */
export function shareOut(needs: readonly number[], room: number): readonly number[] {
  const shares = needs.map(() => 0);
  const open = needs.map((need, i) => ({ need, i })).sort((a, b) => a.need - b.need);
  let left = Math.max(0, room);
  open.forEach(({ need, i }, done) => {
    const share = Math.min(need, Math.floor(left / (open.length - done)));
    shares[i] = share;
    left -= share;
  });
  return shares;
}

/** As it is while no model is loaded that could count. */
export function unfitted({ attachment, label, pieces, reason }: Collected): KeptAttachment {
  return {
    attachment,
    label,
    content: pieces.map(shownPiece).join('\n'),
    tokens: 0,
    wholeTokens: 0,
    shown: pieces.length === 0 ? 'none' : 'whole',
    reason,
    files: pieces.flatMap(({ file }) => (file === '' ? [] : [file])),
  };
}
