/**
 * A code block that may grow with every word. It is laid out in pieces of some thousand characters: a finished piece is coloured once and never
 * touched again, and the last, unfinished one is coloured anew a few times a second.
 */
import type { CodeAction } from '../../../protocol/src/chatPage';
import { element, icon, setText } from '../dom';
import { say } from '../host';
import { visible } from '../unseen';
import { highlight } from './highlight';
import { safeFragment, showUnseen } from './safe';

/** UTF-16 units: colouring a piece takes a few milliseconds. */
const pieceLength = 2_500;
/** Where a piece ends even inside a comment. */
const longestPiece = 6_000;
const colourEveryMs = 150;

export interface CodeOfBlock {
  readonly text: string;
  readonly language: string;
  readonly path: string;
}

export type OnCode = (action: CodeAction, code: CodeOfBlock, block: CodeBlock) => void;

const actions: readonly (readonly [
  CodeAction,
  string,
  'copyCode' | 'insertCode' | 'newFileCode' | 'applyCode',
])[] = [
  ['copy', 'copy', 'copyCode'],
  ['insert', 'insert', 'insertCode'],
  ['newFile', 'new-file', 'newFileCode'],
  ['apply', 'git-compare', 'applyCode'],
];

export class CodeBlock {
  readonly element: HTMLElement;
  private readonly code = element('code');
  private readonly name = element('span', { class: 'code-language' });
  private readonly status = element('div', { class: 'code-status', role: 'status' });
  private text = '';
  /** Of the text: in finished pieces. */
  private finished = 0;
  private tail: HTMLElement | undefined;
  private coloured = 0;
  private shownTail = '';

  /** `path`: of the file that the answer names for it; '' = none. */
  constructor(
    private language: string,
    readonly path: string,
    onCode: OnCode,
  ) {
    const bar = element(
      'div',
      { class: 'code-actions', role: 'toolbar', 'aria-label': say('code') },
      ...actions.map(([action, image, label]) =>
        element(
          'button',
          {
            ...{ type: 'button', class: 'icon-button', 'data-action': action },
            ...{ title: say(label), 'aria-label': say(label) },
            onclick: () => {
              onCode(action, { text: this.text, language: this.language, path }, this);
            },
          },
          icon(image),
        ),
      ),
    );
    this.element = element(
      'div',
      { class: 'code-block' },
      element('div', { class: 'code-head' }, this.name, bar),
      element('pre', { tabindex: 0, role: 'region', 'aria-label': say('code') }, this.code),
      this.status,
    );
    this.setLanguage(language);
  }

  setLanguage(language: string): void {
    this.language = language;
    setText(this.name, visible(language.slice(0, 60)));
  }

  /** All of it so far. Text that does not begin with what was there is shown from scratch. */
  update(text: string, done: boolean): void {
    // Of a closing fence, the first characters are code until it is whole: then the end alone was another.
    if (!text.startsWith(this.text.slice(0, this.finished))) {
      this.code.replaceChildren();
      this.tail = undefined;
      this.finished = 0;
      this.shownTail = '';
    }
    this.text = text;
    this.finishPieces(done);
    this.showTail(done);
  }

  /** A line below the code, with what can be done about it. */
  say(text: string, ...buttons: HTMLElement[]): void {
    this.status.replaceChildren(text === '' ? '' : element('span', {}, text), ...buttons);
  }

  private finishPieces(done: boolean): void {
    for (;;) {
      const rest = this.text.length - this.finished;
      if (rest <= pieceLength && !(done && rest > 0)) {
        return;
      }
      const cut = this.cutFor(done);
      if (cut === 0) {
        return;
      }
      const piece = this.text.slice(this.finished, this.finished + cut);
      this.tail?.remove();
      this.tail = undefined;
      this.shownTail = '';
      this.code.append(this.layOut(piece));
      this.finished += cut;
    }
  }

  /** How much of the rest is finished; 0 = nothing yet. */
  private cutFor(done: boolean): number {
    const rest = this.text.slice(this.finished, this.finished + longestPiece);
    if (done && rest.length <= pieceLength) {
      return rest.length;
    }
    for (let line = rest.indexOf('\n', pieceLength - 1); line >= 0; line = rest.indexOf('\n', line + 400)) {
      const cut = line + 1;
      if (highlight(rest.slice(0, cut), this.language)?.open !== true) {
        return cut;
      }
      if (cut > longestPiece - 400) {
        break;
      }
    }
    if (rest.length < longestPiece) {
      return done ? rest.length : 0;
    }
    const line = rest.lastIndexOf('\n');
    return line > 0 ? line + 1 : longestPiece;
  }

  /** A finished piece: a block of its own, so that the browser leaves alone what is out of sight. */
  private layOut(piece: string): HTMLElement {
    const made = element('span', { class: 'code-piece' });
    made.append(this.coloursOf(piece));
    return made;
  }

  private coloursOf(text: string): Node {
    const colours = highlight(text, this.language);
    if (colours === undefined) {
      const plain = document.createDocumentFragment();
      plain.append(text);
      showUnseen(plain);
      return plain;
    }
    const fragment = safeFragment(colours.html, 'code');
    showUnseen(fragment);
    return fragment;
  }

  private showTail(done: boolean): void {
    const rest = this.text.slice(this.finished);
    if (rest === '') {
      this.tail?.remove();
      this.tail = undefined;
      this.shownTail = '';
      return;
    }
    this.tail ??= this.code.appendChild(element('span', { class: 'code-piece' }));
    const now = performance.now();
    const added = rest.startsWith(this.shownTail) ? rest.slice(this.shownTail.length) : undefined;
    if (done || added === undefined || now - this.coloured >= colourEveryMs) {
      this.coloured = now;
      this.tail.replaceChildren(this.coloursOf(rest));
    } else if (added !== '') {
      const plain = document.createDocumentFragment();
      plain.append(added);
      showUnseen(plain);
      this.tail.append(plain);
    }
    this.shownTail = rest;
  }
}
