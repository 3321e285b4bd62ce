/** One message in the document. */
import type { ChatMessage } from '../../protocol/src/chat';
import { sentChips } from './chips';
import { element, icon, iconButton, setHidden, setText } from './dom';
import { say, sayNumber, sayTime } from './host';
import type { OnCode } from './markdown/codeBlock';
import { MarkdownView } from './markdown/view';
import type { Live } from './state';
import { pieces, visible } from './unseen';

export interface MessageActions {
  readonly onCode: (message: string) => OnCode;
  readonly onEdit: (message: string) => void;
  readonly onRegenerate: (message: string) => void;
  readonly onContinue: (message: string) => void;
  readonly onCopy: (text: string) => void;
  readonly onVersion: (message: string) => void;
}

/** A text with what is unseen in it written out; line breaks stay. */
function plainNodes(text: string): (Node | string)[] {
  return pieces(text).map((piece) =>
    piece.unseen ? element('span', { class: 'unseen' }, visible(piece.text)) : piece.text,
  );
}

export function phaseInWords(live: Live): string {
  switch (live.phase) {
    case 'loading':
      return say('phaseLoading');
    case 'waiting':
      return say('phaseWaiting');
    case 'summarising':
      return say('phaseSummarising');
    case 'reading':
      return say('phaseReading', Math.round(live.share * 100));
    case 'writing':
      return say('phaseWriting');
  }
}

export class MessageView {
  readonly element: HTMLElement;
  private readonly body = element('div', { class: 'message-body' });
  private readonly state = element('div', { class: 'message-state' });
  private readonly versions = element('span', { class: 'versions' });
  private readonly tools = element('div', { class: 'message-tools' });
  private readonly thought: HTMLDetailsElement | undefined;
  private readonly thoughtTitle = element('span');
  private readonly thinking: MarkdownView | undefined;
  private readonly answer: MarkdownView | undefined;
  private message: ChatMessage | undefined;
  private shownState = '';
  private wasLive = false;

  constructor(
    first: ChatMessage,
    private readonly actions: MessageActions,
  ) {
    const user = first.role === 'user';
    this.element = element(
      'article',
      {
        ...{ class: `message ${first.role}`, tabindex: -1, 'data-id': first.id },
        'aria-label': say(user ? 'you' : 'niwaki'),
      },
      element(
        'header',
        {},
        element('span', { class: 'who' }, say(user ? 'you' : 'niwaki')),
        this.versions,
        this.tools,
      ),
      this.body,
      this.state,
    );
    if (!user) {
      this.thinking = new MarkdownView(actions.onCode(first.id));
      this.thought = element(
        'details',
        { class: 'thinking', hidden: true },
        element('summary', {}, this.thoughtTitle),
        this.thinking.element,
      );
      this.answer = new MarkdownView(actions.onCode(first.id));
      this.body.append(this.thought, this.answer.element);
      // What is folded is not laid out until it is looked at.
      this.thought.addEventListener('toggle', () => {
        this.show(Infinity);
      });
    }
  }

  /** Whether there is something to show that `show` has not shown yet. */
  set(message: ChatMessage, live: Live | null): boolean {
    const changed = message !== this.message;
    const mine = live?.message === message.id;
    if (!changed && !mine && !this.wasLive) {
      return false;
    }
    this.wasLive = mine;
    this.message = message;
    this.showTools(message);
    this.showState(message, live);
    return changed;
  }

  /** Returns whether all is shown. */
  show(deadline: number): boolean {
    const { message } = this;
    if (message === undefined) {
      return true;
    }
    if (this.answer === undefined || this.thinking === undefined || this.thought === undefined) {
      this.showQuestion(message);
      return true;
    }
    const done = message.state !== 'writing';
    setHidden(this.thought, message.thinking === '');
    setText(this.thoughtTitle, say(message.text === '' && !done ? 'thinking' : 'thought'));
    const folded = !this.thought.open;
    const first = folded || this.thinking.update(message.thinking, done, deadline);
    return this.answer.update(message.text, done, deadline) && first;
  }

  private showQuestion(message: ChatMessage): void {
    const command =
      message.command === '' ? [] : [element('span', { class: 'command' }, `/${message.command}`), ' '];
    this.body.replaceChildren(
      element('div', { class: 'question', dir: 'auto' }, ...command, ...plainNodes(message.text)),
      ...(message.attachments.length > 0 ? [sentChips(message.attachments)] : []),
    );
  }

  private showTools(message: ChatMessage): void {
    const { id, versions, role, state, figures, at } = message;
    const index = versions.indexOf(id);
    const key = `${String(index)} ${versions.join(' ')} ${state}`;
    if (this.element.dataset['tools'] === key) {
      return;
    }
    this.element.dataset['tools'] = key;
    this.element.querySelector('.who')?.setAttribute('title', sayTime(at));
    const other = (step: number): void => {
      const target = versions[index + step];
      if (target !== undefined) {
        this.actions.onVersion(target);
      }
    };
    this.versions.replaceChildren(
      ...(versions.length < 2 || index < 0
        ? []
        : [
            iconButton(
              'left',
              say('older'),
              () => {
                other(-1);
              },
              { disabled: index === 0 },
            ),
            element(
              'span',
              { 'aria-label': say('versionOf', index + 1, versions.length) },
              `${String(index + 1)}/${String(versions.length)}`,
            ),
            iconButton(
              'right',
              say('newer'),
              () => {
                other(1);
              },
              { disabled: index === versions.length - 1 },
            ),
          ]),
    );
    const busy = state === 'writing';
    this.tools.replaceChildren(
      ...(role === 'user'
        ? [
            iconButton('edit', say('edit'), () => {
              this.actions.onEdit(id);
            }),
          ]
        : busy
          ? []
          : [
              iconButton('refresh', say('regenerate'), () => {
                this.actions.onRegenerate(id);
              }),
            ]),
      ...(busy
        ? []
        : [
            iconButton('copy', say('copyMessage'), () => {
              this.actions.onCopy(this.message?.text ?? '');
            }),
          ]),
    );
    if (figures !== null && figures.decodeMs > 0) {
      const speed = (figures.answerTokens / figures.decodeMs) * 1000;
      this.tools.title = say(
        'figures',
        sayNumber(figures.answerTokens),
        sayNumber(speed),
        sayNumber(figures.evaluatedTokens),
        sayNumber(figures.reusedTokens),
      );
    }
  }

  private showState(message: ChatMessage, live: Live | null): void {
    const { state, problem, id } = message;
    const mine = live?.message === id ? live : null;
    const waiting = state === 'writing' && mine?.phase !== 'writing';
    const words = mine === null ? say('phaseWaiting') : phaseInWords(mine);
    const key = `${state} ${problem} ${waiting ? words : ''}`;
    if (this.shownState === key) {
      return;
    }
    this.shownState = key;
    this.element.classList.toggle('writing', state === 'writing');
    if (state === 'writing') {
      const bar = waiting && mine?.phase === 'reading' ? [progressBar(mine.share)] : [];
      this.state.replaceChildren(...(waiting ? [element('span', { class: 'wait' }, words), ...bar] : []));
      return;
    }
    if (state === 'done' || message.role === 'user') {
      this.state.replaceChildren();
      return;
    }
    const canContinue = state !== 'failed';
    this.state.replaceChildren(
      icon(state === 'failed' ? 'error' : 'info'),
      element(
        'span',
        { dir: 'auto' },
        [say(state), visible(problem)].filter((text) => text !== '').join(' '),
      ),
      ...(canContinue
        ? [
            element(
              'vscode-button',
              {
                secondary: true,
                onclick: () => {
                  this.actions.onContinue(id);
                },
              },
              say('continue'),
            ),
          ]
        : []),
    );
  }
}

function progressBar(share: number): HTMLElement {
  const percent = Math.round(share * 100);
  const bar = element('progress', { max: 100, value: percent, 'aria-label': say('reading') });
  return bar;
}
