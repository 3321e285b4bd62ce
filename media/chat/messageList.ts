/** The messages of the conversation: what is new is laid out a little at a time, so that keys are answered meanwhile. */
import type { ChatMessage } from '../../protocol/src/chat';
import { element, keepOneReachable, roving } from './dom';
import { Follower } from './follow';
import { say } from './host';
import { MessageView, type MessageActions } from './messageView';
import type { State } from './state';

/** Milliseconds of a frame that laying out may take: the browser needs the rest. */
const budgetMs = 8;
/** Between two times that a growing answer is laid out, at least. */
const everyMs = 32;

export class MessageList {
  readonly element: HTMLElement;
  readonly follower: Follower;
  private readonly inner = element('div', { class: 'messages-inner' });
  private readonly views = new Map<string, MessageView>();
  private readonly waiting = new Set<string>();
  private order = '';
  private scheduled = false;
  private last = 0;
  private lastCost = 0;
  private editing: { readonly id: string; readonly element: HTMLElement } | undefined;
  /** To be scrolled to once all is laid out. */
  private wantedTop: number | undefined;

  constructor(
    private readonly actions: MessageActions,
    onFollowing: (following: boolean) => void,
  ) {
    this.element = element(
      'div',
      { class: 'messages', role: 'log', 'aria-live': 'off', 'aria-label': say('conversation') },
      this.inner,
    );
    this.follower = new Follower(this.element, onFollowing);
    roving(this.inner, '.message', true);
  }

  show(state: State): void {
    const shown = state.conversation?.shown ?? [];
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, view] of this.views) {
      if (!ids.has(id)) {
        view.element.remove();
        this.views.delete(id);
        this.waiting.delete(id);
      }
    }
    const order = shown.map(({ id }) => id).join(' ');
    if (order !== this.order) {
      this.order = order;
      this.place(shown);
    }
    shown.forEach((message) => {
      if (this.views.get(message.id)?.set(message, state.live) === true) {
        this.waiting.add(message.id);
      }
    });
    if (
      this.inner.contains(document.activeElement) ||
      this.inner.querySelector('[tabindex="0"].message') === null
    ) {
      keepOneReachable(this.inner, '.message', true);
    }
    this.schedule();
  }

  /** Puts an input in the place of a message, or the message back. */
  edit(id: string | undefined, input?: HTMLElement): void {
    if (this.editing !== undefined) {
      this.editing.element.remove();
      this.views.get(this.editing.id)?.element.removeAttribute('hidden');
      this.editing = undefined;
    }
    const view = id === undefined ? undefined : this.views.get(id);
    if (id !== undefined && view !== undefined && input !== undefined) {
      view.element.after(input);
      view.element.hidden = true;
      this.editing = { id, element: input };
      input.scrollIntoView({ block: 'nearest' });
    }
  }

  focusOn(id: string): void {
    this.views.get(id)?.element.focus();
  }

  scrollTo(top: number | undefined): void {
    this.wantedTop = top;
    if (top === undefined) {
      this.follower.toEnd();
    } else {
      this.follower.restore(top);
    }
    this.schedule();
  }

  /** Makes what is new, and puts all in their order; what is where it belongs is not moved, and so keeps the focus. */
  private place(shown: readonly ChatMessage[]): void {
    let next: Element | null = this.inner.firstElementChild;
    for (const message of shown) {
      let view = this.views.get(message.id);
      if (view === undefined) {
        view = new MessageView(message, this.actions);
        this.views.set(message.id, view);
      }
      if (view.element === next) {
        next = next.nextElementSibling;
      } else {
        this.inner.insertBefore(view.element, next);
      }
    }
  }

  private schedule(): void {
    if (!this.scheduled && this.waiting.size > 0) {
      this.scheduled = true;
      requestAnimationFrame(() => {
        this.scheduled = false;
        this.frame();
      });
    }
  }

  /** The newest first: it is the one that is looked at. */
  private frame(): void {
    const begin = performance.now();
    // What takes long is done less often.
    if (begin - this.last >= Math.max(everyMs, this.lastCost * 4)) {
      this.last = begin;
      for (const id of [...this.waiting].reverse()) {
        if (this.views.get(id)?.show(begin + budgetMs) !== false) {
          this.waiting.delete(id);
        }
        if (performance.now() - begin > budgetMs) {
          break;
        }
      }
      this.follower.settle();
      if (this.wantedTop !== undefined && this.waiting.size === 0) {
        this.follower.restore(this.wantedTop);
        this.wantedTop = undefined;
      }
      this.lastCost = performance.now() - begin;
    }
    this.schedule();
  }
}
