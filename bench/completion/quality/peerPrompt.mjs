/** The prompts that the peer gets (peer.mjs): pure functions. */

const lines = { before: 256, behind: 64 };

/** Of the prompt's room, what text before the cursor may have: llama.cpp's server divides so. */
const prefixShare = 3 / 4;

export const control = {
  prefix: '<|fim_prefix|>',
  suffix: '<|fim_suffix|>',
  middle: '<|fim_middle|>',
  file: '<|file_sep|>',
};
export const ends = [
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
  '<|fim_pad|>',
  '<|file_sep|>',
];

/** The lines around a cursor. */
export function around({ text, offset }) {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const earlier = before.slice(0, lineStart).split('\n'); // ends with '', behind the last line break
  return {
    earlier: earlier.slice(-(lines.before + 1)).join('\n'),
    line: before.slice(lineStart),
    behind: text
      .slice(offset)
      .split('\n')
      .slice(0, lines.behind + 1) // the rest of the cursor's line is no line of its own
      .join('\n'),
  };
}

/**
 * What a prompt consists of, in order: ids of control tokens, and texts with the side from which they may be cut. `prefix` loses its
 * beginning and `suffix` its end.
 */
export const forms = {
  plain: ({ earlier, line, behind }) => [
    ...[{ control: control.prefix }, { prefix: earlier }],
    ...[{ control: control.suffix }, { suffix: behind }],
    ...[{ control: control.middle }, { text: line.trim() === '' ? '' : line }],
  ],
  'suffix first': ({ earlier, line, behind }, path) => [
    ...[{ control: control.file }, { text: `${path}\n` }, { control: control.prefix }],
    ...[{ control: control.suffix }, { suffix: behind }],
    ...[{ control: control.middle }, { prefix: earlier + line }],
  ],
  'prefix only': ({ earlier, line }, path) => [
    ...[{ control: control.file }, { text: `${path}\n` }, { prefix: earlier + line }],
  ],
};

/**
 * The tokens of a prompt that leaves room for the answer.
 * @param {object[]} parts of a form, each with its `tokens`
 */
export function fitted(parts, room) {
  const count = (kind) =>
    parts.filter((part) => kind in part).reduce((sum, { tokens }) => sum + tokens.length, 0);
  const left = room - count('control') - count('text');
  const forSuffix = Math.min(
    count('suffix'),
    Math.max(left - count('prefix'), Math.floor(left * (1 - prefixShare))),
  );
  return parts.flatMap((part) => {
    if ('prefix' in part) {
      const most = left - forSuffix;
      return part.tokens.slice(Math.max(0, part.tokens.length - most));
    }
    return 'suffix' in part ? part.tokens.slice(0, forSuffix) : part.tokens;
  });
}
