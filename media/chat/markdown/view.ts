/** Markdown in the document, while it is being written and after: finished blocks are made once and stay as they are. */
import { element } from '../dom';
import { lastPath } from '../pathLinks';
import { cutTail } from './blocks';
import { CodeBlock, type OnCode } from './codeBlock';
import { definitions, toHtml, type Fence } from './parser';
import { safeMarkdown } from './safe';

export class MarkdownView {
  readonly element = element('div', { class: 'markdown', dir: 'auto' });
  private readonly tail = element('div', { class: 'tail' });
  private text = '';
  private known = definitions();
  /** Of the text: in finished blocks. */
  private finished = 0;
  /** Before the tail, where a table was cut. */
  private repeat = '';
  /** A path in the text before: the file of the code block that follows. */
  private path = '';
  private growing: CodeBlock | undefined;
  private done = false;

  constructor(private readonly onCode: OnCode) {
    this.element.append(this.tail);
  }

  /**
   * Shows as much of the text as can be made before `deadline` (of performance.now()); returns whether that was all. Text that does not begin
   * with what was there before is shown from scratch.
   */
  update(given: string, done: boolean, deadline = Infinity): boolean {
    const text = given.includes('\r') ? given.replace(/\r\n?/g, '\n') : given;
    if (!text.startsWith(this.text) || (this.done && text !== this.text)) {
      this.reset();
    }
    this.text = text;
    if (this.done) {
      return true;
    }
    const rest = this.repeat + text.slice(this.finished);
    const cut = cutTail(rest, this.known);
    let at = 0;
    for (const length of cut.finished) {
      if (performance.now() > deadline) {
        return false;
      }
      this.finish(rest.slice(at, at + length));
      this.finished += length - (at === 0 ? this.repeat.length : 0);
      at += length;
      this.repeat = at === sum(cut.finished) ? cut.repeat : '';
    }
    if (performance.now() > deadline) {
      return false;
    }
    const last = this.repeat + text.slice(this.finished);
    if (done) {
      this.finish(last);
      this.finished = text.length;
      this.repeat = '';
      this.done = true;
    } else {
      this.showTail(last, at > 0 ? cutTail(last, this.known).openFence : cut.openFence);
    }
    return true;
  }

  private reset(): void {
    this.element.replaceChildren(this.tail);
    this.tail.replaceChildren();
    this.text = '';
    this.known = definitions();
    this.finished = 0;
    this.repeat = '';
    this.path = '';
    this.growing = undefined;
    this.done = false;
  }

  private finish(piece: string): void {
    const { html, fences } = toHtml(piece, this.known);
    const only = fences.length === 1 && /^<pre data-fence="0"><\/pre>\s*$/.test(html) ? fences[0] : undefined;
    if (only !== undefined && this.growing !== undefined) {
      // It is there already, and most of it in its colours.
      this.growing.setLanguage(only.language);
      this.growing.update(only.code, true);
      this.element.insertBefore(this.growing.element, this.tail);
    } else {
      const block = element('div', { class: 'block' });
      block.append(this.nodesOf(html, fences, true));
      if (block.childNodes.length > 0) {
        this.element.insertBefore(block, this.tail);
      }
    }
    this.growing = undefined;
    this.tail.replaceChildren();
    if (piece.trim() !== '') {
      this.path = only === undefined ? lastPath(piece.slice(-2_000)) : '';
    }
  }

  private showTail(
    rest: string,
    openFence: { readonly info: string; readonly content: string } | null,
  ): void {
    if (openFence === null) {
      this.growing = undefined;
      const known = { references: { ...this.known.references } };
      const { html, fences } = toHtml(rest, known);
      this.tail.replaceChildren(this.nodesOf(html, fences, false));
      return;
    }
    const [language = '', ...info] = openFence.info.trim().split(/\s+/);
    if (this.growing === undefined) {
      this.growing = new CodeBlock(language, lastPath(info.join(' ')) || this.path, this.onCode);
      this.tail.replaceChildren(this.growing.element);
    }
    this.growing.setLanguage(language);
    this.growing.update(openFence.content, false);
  }

  private nodesOf(html: string, fences: readonly Fence[], done: boolean): DocumentFragment {
    const fragment = safeMarkdown(html);
    for (const place of fragment.querySelectorAll<HTMLElement>('pre[data-fence]')) {
      const fence = fences[Number(place.dataset['fence'])];
      if (fence !== undefined) {
        const block = new CodeBlock(fence.language, lastPath(fence.info) || this.path, this.onCode);
        block.update(fence.code, done);
        place.replaceWith(block.element);
      }
    }
    for (const table of fragment.querySelectorAll('table')) {
      const frame = element('div', { class: 'table', tabindex: 0, role: 'region' });
      table.replaceWith(frame);
      frame.append(table);
    }
    return fragment;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
