/** Someone who rests in the middle of a new name: what is offered then is of a name that nobody wants. */

/** Names of fewer characters are typed in one go. */
const leastName = /^[\p{L}_$][\p{L}\p{N}_$]{3,}$/u;
/** Of the name is written when its author rests. */
const share = 0.6;

/**
 * Asks before each change that ends with a name also when that is written in part. Counts into `rests`: { asked, offers }.
 * @param {object} next   server/src/edit/next: { replacementsBetween }
 * @param {string} before   the document's text at first
 * @param {(document: object, cursor: number) => Promise<object | undefined>} ask
 */
export function askHalfway(next, before, ask, rests) {
  let text = before;
  let offered;
  return async (document, cursor) => {
    const accepted = offered && text.slice(0, offered.start) + offered.text + text.slice(offered.end);
    const last = next.replacementsBetween(text, document.text)?.at(-1);
    if (accepted !== document.text && last !== undefined && leastName.test(last.inserted)) {
      const behind = last.start + Math.ceil(last.inserted.length * share);
      const partly = document.text.slice(0, behind) + document.text.slice(last.end);
      rests.asked += 1;
      rests.offers += (await ask({ ...document, text: partly }, behind)) === undefined ? 0 : 1;
    }
    text = document.text;
    offered = await ask(document, cursor);
    return offered;
  };
}
