/** All conversations of the workspace, the newest first: to search, open, rename, export and delete. */
import type { ConversationSummary } from '../../protocol/src/chat';
import type { HostMessage } from '../../protocol/src/chatPage';
import { element, iconButton, keepOneReachable, roving, setHidden, setText } from './dom';
import { nextRequest, post, say, sayTime } from './host';
import { visible } from './unseen';

const searchAfterMs = 150;

export class ConversationList {
  readonly element: HTMLElement;
  private readonly search = element('vscode-textfield', {
    ...{ type: 'search', placeholder: say('search'), label: say('search') },
    oninput: () => {
      this.askSoon();
    },
  }) as HTMLElement & { value: string };
  private readonly list = element('ul', { class: 'conversations', 'aria-label': say('conversations') });
  private readonly note = element('p', { class: 'note', role: 'status' });
  private timer: number | undefined;
  private request = 0;
  private current = '';

  constructor(private readonly onBack: () => void) {
    this.element = element(
      'section',
      { class: 'list-page', 'aria-label': say('conversations'), hidden: true },
      element(
        'header',
        {},
        iconButton('back', say('back'), () => {
          onBack();
        }),
        this.search,
      ),
      this.note,
      this.list,
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        event.preventDefault();
        this.onBack();
      }
    });
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        this.list.querySelector<HTMLElement>('.conversation')?.focus();
      }
    });
    roving(this.list, '.conversation', true);
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  set searched(text: string) {
    this.search.value = text;
  }

  get searched(): string {
    return this.search.value;
  }

  show(current: string): void {
    this.current = current;
    setHidden(this.element, false);
    this.ask();
    this.search.focus();
  }

  hide(): void {
    setHidden(this.element, true);
  }

  /** The list is asked for anew while it is shown. */
  refresh(): void {
    if (this.open) {
      this.askSoon();
    }
  }

  hear(message: HostMessage): boolean {
    if (message.kind !== 'list' || message.request !== this.request) {
      return false;
    }
    const { conversations, notes, problem } = message;
    const none = this.search.value === '' ? 'noConversations' : 'nothingMatches';
    const words = [problem, ...notes, conversations.length === 0 && problem === '' ? say(none) : ''];
    setText(this.note, visible(words.filter((text) => text !== '').join(' ')));
    setHidden(this.note, this.note.textContent === '');
    this.fill(conversations);
    return true;
  }

  private askSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.ask();
    }, searchAfterMs);
  }

  private ask(): void {
    this.request = nextRequest();
    post({ kind: 'list', request: this.request, search: this.search.value });
  }

  private fill(conversations: readonly ConversationSummary[]): void {
    const focused =
      document.activeElement?.closest<HTMLElement>('[data-conversation]')?.dataset['conversation'];
    this.list.replaceChildren(...conversations.map((one) => this.item(one)));
    keepOneReachable(this.list, '.conversation');
    if (focused !== undefined) {
      const items = [...this.list.querySelectorAll<HTMLElement>('[data-conversation]')];
      const same = items.find((item) => item.dataset['conversation'] === focused) ?? items[0];
      same?.querySelector<HTMLElement>('.conversation')?.focus();
    }
  }

  private item({ id, title, updatedAt, messages, busy }: ConversationSummary): HTMLElement {
    const name = visible(title === '' ? say('unnamed') : title);
    const details = [say('messages', messages), sayTime(updatedAt), ...(busy ? [say('busy')] : [])].join(
      ' · ',
    );
    const tool = (image: string, label: 'rename' | 'export' | 'delete'): HTMLElement =>
      iconButton(image, `${say(label)}: ${name}`, () => {
        post({ kind: label, conversation: id });
      });
    return element(
      'li',
      { class: id === this.current ? 'current' : '', 'data-conversation': id },
      element(
        'button',
        {
          ...{
            type: 'button',
            class: 'conversation',
            'aria-current': id === this.current ? 'true' : undefined,
          },
          onclick: () => {
            post({ kind: 'open', conversation: id });
            this.onBack();
          },
          onkeydown: (event: KeyboardEvent) => {
            const kind = event.key === 'Delete' ? 'delete' : event.key === 'F2' ? 'rename' : undefined;
            if (kind !== undefined) {
              event.preventDefault();
              post({ kind, conversation: id });
            }
          },
        },
        element('span', { class: 'title', dir: 'auto' }, name),
        element('span', { class: 'details' }, details),
      ),
      element(
        'span',
        { class: 'item-tools' },
        tool('edit', 'rename'),
        tool('export', 'export'),
        tool('trash', 'delete'),
      ),
    );
  }
}
