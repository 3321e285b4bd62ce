/**
 * Asks a chat model for the text at a cursor. The result is a form like any other: the template's own words with the file's text
 * between them. The answer is begun for the model, with a code fence and the cursor's line, so that it goes on instead of explaining,
 * its tokens are healed as with any form, and typing in the line changes nothing before it.
 */
import { formOf, type FimField, type FimForm, type FimPart } from '../prompt';
import { ChatTemplateError, renderChat, type ChatTemplateOptions } from './chatTemplate';

/** Private characters, which no template contains or changes. */
const mark = (field: FimField): string => `\u{e000}${field}\u{e001}`;
const marks = /\u{e000}(path|head|suffix|line)\u{e001}/u;

export const codeFence = '```';

/** The suffix first: a line break then only adds to the end. */
const question = [
  `Complete the file ${mark('path')}. This is how it ends, from the cursor on:`,
  `${codeFence}\n${mark('suffix')}\n${codeFence}`,
  `This is how it begins, up to the line of the cursor:`,
  `${codeFence}\n${mark('head')}\n${codeFence}`,
  'Write what is missing between the two: the line of the cursor from its beginning, and more lines only where they are needed. ' +
    'Answer with one block of code. Repeat nothing of what is there already, and explain nothing.',
].join('\n\n');

/** Throws a ChatTemplateError when the template cannot be used. */
export function chatInfillForm(template: string, options: ChatTemplateOptions = {}): FimForm {
  const asked = renderChat(template, [{ role: 'user', content: question }], options);
  const text = `${asked}${codeFence}\n${mark('line')}`;
  const pieces = text
    .split(marks)
    .map((piece, i): FimPart =>
      i % 2 === 0
        ? { kind: 'control', text: piece }
        : { kind: 'text', pieces: [{ field: piece as FimField }] },
    );
  const parts = pieces.filter((part) => part.kind === 'text' || part.text !== '');
  const form = formOf('chat', parts);
  if (form === undefined || parts.filter(({ kind }) => kind === 'text').length !== 4) {
    throw new ChatTemplateError('the chat template does not show the question as it was asked');
  }
  return form;
}
