/** The page as a whole. */
import type { Draft, HostMessage, PageMessage } from '../../protocol/src/chatPage';
import { CodeRequests } from './codeRequests';
import { Composer } from './composer';
import { ConversationList } from './conversationList';
import { element, iconButton, setHidden, setText } from './dom';
import { editComposer } from './editComposer';
import { acceptDrops } from './drop';
import { Footer } from './footer';
import { nextRequest, post, say } from './host';
import { Keeper, noDraft, type Now } from './keeper';
import { MessageList } from './messageList';
import { inputOf } from './slash';
import { NoModel } from './noModel';
import { ProblemBar } from './problemBar';
import { nothingSaved, type Saved, type SavedDraft } from './saved';
import {
  attachmentsFor,
  canSpeak,
  firstState,
  placeAtEnd,
  placeBefore,
  reduce,
  writing,
  type State,
} from './state';
import { Announcer } from './announcer';
import { visible } from './unseen';

type Change = 'stop' | 'regenerate' | 'continue' | 'select';

export class App {
  private state: State = firstState;
  /** What the page before this one has kept. */
  private before: Saved = nothingSaved;
  private readonly keeper = new Keeper(() => this.now);
  /** Answers that are waited for, by request: what is done when there is a problem, and when there is none. */
  private readonly asked = new Map<number, (problem: string) => void>();
  private editing: { readonly message: string; readonly composer: Composer } | undefined;
  /** Whether a message is on its way: it is sent once. */
  private sending = false;
  private readonly code = new CodeRequests();
  private readonly announcer = new Announcer();
  private readonly noModel = new NoModel();
  private readonly footer = new Footer();
  private readonly problem = new ProblemBar(() => {
    this.focusInput();
  });
  private readonly title = element('h1', { class: 'conversation-title', dir: 'auto' });
  private readonly empty = element(
    'div',
    { class: 'empty' },
    element('p', { class: 'lead' }, say('empty')),
    element('p', {}, say('emptyHint')),
  );
  private readonly list = new ConversationList(() => {
    this.look('chat');
  });
  private readonly messages: MessageList;
  private readonly toEnd: HTMLButtonElement;
  private readonly sendButton = iconButton('send', say('send'), () => {
    if (!this.main.handOver()) {
      this.send(this.main, this.main.draft);
    }
  });
  private readonly stopButton = iconButton('stop', say('stop'), () => {
    this.stop();
  });
  private readonly think = element('vscode-checkbox', {
    ...{ label: say('think'), title: say('thinkHint'), class: 'think' },
    onchange: () => {
      this.keeper.soon();
    },
  }) as HTMLElement & { checked: boolean };
  private readonly main: Composer;
  private readonly chat: HTMLElement;

  constructor(body: HTMLElement) {
    this.messages = new MessageList(
      {
        onCode: (message) => (action, code, block) => {
          this.code.ask(action, code, block, attachmentsFor(this.state, message));
        },
        onEdit: (message) => {
          this.edit(message);
        },
        onRegenerate: (message) => {
          this.change('regenerate', message);
        },
        onContinue: (message) => {
          this.change('continue', message);
        },
        onCopy: (text) => {
          post({ ...codeOf('copy', text), request: this.expect() });
          this.announcer.say(say('copied'));
        },
        onVersion: (message) => {
          this.change('select', message);
        },
      },
      (following) => {
        setHidden(this.toEnd, following);
        this.keeper.soon();
      },
    );
    this.toEnd = iconButton('arrow-down', say('toEnd'), () => {
      this.messages.follower.toEnd();
      this.main.focus();
    });
    this.toEnd.classList.add('to-end');
    this.toEnd.hidden = true;
    this.main = new Composer({
      kind: 'main',
      place: () => placeAtEnd(this.state),
      onSend: (draft) => {
        this.send(this.main, draft);
      },
      onEscape: () => {
        this.stop();
      },
      onChange: () => {
        this.showButtons();
        this.keeper.soon();
      },
      onUp: () => {
        const last = this.state.conversation?.shown.findLast(({ role }) => role === 'user');
        if (last !== undefined) {
          this.edit(last.id);
        }
      },
    });
    this.main.buttons.append(
      this.think,
      element('span', { class: 'space' }),
      this.stopButton,
      this.sendButton,
    );
    this.chat = element(
      'main',
      { class: 'chat' },
      this.title,
      this.messages.element,
      this.empty,
      this.toEnd,
      this.noModel.element,
      this.problem.element,
      this.main.element,
      this.footer.element,
    );
    body.append(this.chat, this.list.element, this.announcer.element);
    body.addEventListener('click', (event) => {
      this.follow(event);
    });
    body.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        this.stop();
      }
    });
    acceptDrops(body, (uris) => {
      (this.editing?.composer ?? this.main).drop(uris);
    });
    this.messages.element.addEventListener(
      'scroll',
      () => {
        this.keeper.soon();
      },
      { passive: true },
    );
    window.addEventListener('focus', () => {
      if (document.activeElement === document.body) {
        this.focusInput();
      }
    });
  }

  start(): void {
    this.before = this.keeper.read();
    this.think.checked = this.before.thinking;
    this.list.searched = this.before.search;
    this.main.set(this.keeper.draftOf(''));
    this.show();
    post({ kind: 'ready' });
  }

  hear(message: HostMessage): void {
    if (message.kind === 'answer') {
      const done = this.asked.get(message.request);
      this.asked.delete(message.request);
      if (done === undefined) {
        this.code.hear(message);
      } else {
        done(message.problem);
      }
      return;
    }
    if (
      this.main.hear(message) ||
      this.editing?.composer.hear(message) === true ||
      this.list.hear(message) ||
      this.code.hear(message)
    ) {
      return;
    }
    if (message.kind === 'look') {
      this.look(message.at === 'other' ? (this.list.open ? 'chat' : 'list') : message.at);
    } else if (message.kind === 'compose') {
      this.look('chat');
      this.main.addDraft(message, message.labels);
      this.main.showProblem(message.problem);
      this.main.focus();
    } else if (message.kind === 'listChanged') {
      this.list.refresh();
    } else if (message.kind === 'notice') {
      this.problem.show(message.text);
    } else {
      this.take(message);
    }
  }

  private get id(): string {
    return this.state.conversation?.id ?? '';
  }

  /** A message that changes what is shown. */
  private take(message: HostMessage): void {
    const before = this.state;
    const oldId = this.id;
    const first = !before.started;
    this.state = reduce(before, message);
    if (this.state === before) {
      return;
    }
    if (this.state.gap && !before.gap) {
      post({ kind: 'open', conversation: this.id });
    }
    if (message.kind === 'show') {
      this.shown(first, oldId, message.focus);
    }
    this.announcer.follow(before, this.state);
    this.show();
    if (message.kind === 'event' && (message.event.kind === 'changed' || message.event.kind === 'deleted')) {
      if (this.id !== oldId) {
        this.main.set(this.keeper.draftOf(this.id));
      }
    }
  }

  /** Another conversation, or the same anew. */
  private shown(first: boolean, oldId: string, focus: boolean): void {
    if (first) {
      const same = this.before.conversation === this.id;
      this.main.set(this.keeper.draftOf(this.id));
      this.messages.show(this.state);
      this.messages.scrollTo(same ? (this.before.top ?? undefined) : undefined);
      const { editing } = this.before;
      if (same && editing !== null) {
        this.edit(editing.message, editing.draft);
      }
      if (this.before.list) {
        this.look('list');
      }
    } else if (oldId !== this.id) {
      if (!this.sending) {
        this.keeper.keepDraft(oldId, this.main.saved);
        this.main.set(this.keeper.draftOf(this.id));
      }
      this.endEdit();
      this.problem.show('');
      this.messages.show(this.state);
      this.messages.scrollTo(undefined);
    }
    if (focus) {
      this.look('chat');
      this.focusInput();
    }
    this.keeper.soon();
  }

  private show(): void {
    const { conversation, model, modelProblem, started } = this.state;
    const speak = canSpeak(this.state);
    this.noModel.show(model, modelProblem);
    setText(
      this.title,
      conversation === null ? '' : visible(conversation.title === '' ? say('unnamed') : conversation.title),
    );
    setHidden(this.title, conversation === null);
    setHidden(this.empty, !speak || !started || (conversation?.shown.length ?? 0) > 0);
    setHidden(this.messages.element, (conversation?.shown.length ?? 0) === 0);
    setHidden(this.main.element, !speak);
    setHidden(this.footer.element, !speak);
    setHidden(this.think, model?.canThink !== true);
    this.messages.show(this.state);
    this.footer.show(this.state);
    this.showButtons();
    if (started && document.hasFocus() && document.activeElement === document.body) {
      this.focusInput(); // where the focus was has gone
    }
  }

  private showButtons(): void {
    const busy = writing(this.state.conversation) !== undefined;
    setHidden(this.stopButton, !busy);
    setHidden(this.sendButton, busy && this.main.empty);
    this.sendButton.disabled = this.sending || this.main.empty;
  }

  private look(at: 'list' | 'chat'): void {
    if (at === 'list') {
      this.list.show(this.id);
      this.chat.hidden = true;
    } else {
      this.list.hide();
      this.chat.hidden = false;
      this.focusInput();
    }
    this.keeper.soon();
  }

  private focusInput(): void {
    if (this.list.open) {
      return;
    }
    if (this.editing !== undefined) {
      this.editing.composer.focus();
    } else if (canSpeak(this.state)) {
      this.main.focus();
    } else {
      this.noModel.focus();
    }
  }

  /** A number whose answer is listened for. */
  private expect(
    done: (problem: string) => void = (problem) => {
      this.problem.show(problem);
    },
  ): number {
    const request = nextRequest();
    this.asked.set(request, done);
    return request;
  }

  private send(composer: Composer, draft: Draft): void {
    if (this.sending || (draft.text === '' && draft.command === '')) {
      return;
    }
    const edited = composer === this.main ? undefined : this.editing?.message;
    const place = composer === this.main ? placeAtEnd(this.state) : placeBefore(this.state, edited ?? '');
    this.sending = true;
    composer.showProblem('');
    const { conversation } = place;
    const request = this.expect((problem) => {
      this.sending = false;
      if (problem !== '') {
        composer.showProblem(problem); // and its text stays where it is
      } else if (edited === undefined) {
        this.keeper.keepDraft(conversation, noDraft);
        this.main.set(noDraft);
      } else {
        this.endEdit();
        if (document.hasFocus()) {
          this.main.focus(); // the user may be in the editor by now
        }
      }
      this.show();
      this.keeper.soon();
    });
    this.messages.follower.toEnd();
    post({ kind: 'send', request, ...place, thinking: this.thinking, ...draft });
    this.showButtons();
  }

  private get thinking(): boolean {
    return this.state.model?.canThink === true && this.think.checked;
  }

  private change(kind: Change, message: string): void {
    if (this.id !== '') {
      if (kind !== 'select') {
        this.messages.follower.toEnd();
      }
      post({ kind, request: this.expect(), conversation: this.id, message });
    }
  }

  private stop(): void {
    if (writing(this.state.conversation) !== undefined) {
      this.change('stop', '');
    }
  }

  private edit(message: string, draft?: SavedDraft): void {
    const found = this.state.conversation?.shown.find(({ id, role }) => id === message && role === 'user');
    if (found === undefined || !canSpeak(this.state)) {
      return;
    }
    this.endEdit();
    const composer = editComposer({
      place: () => placeBefore(this.state, message),
      onSend: (edited) => {
        this.send(composer, edited);
      },
      onEscape: () => {
        this.endEdit();
        this.messages.focusOn(message);
      },
      onChange: () => {
        this.keeper.soon();
      },
    });
    composer.set(
      draft ?? {
        input: inputOf(found.command, found.text),
        chips: found.attachments.map(({ attachment, label }) => ({ attachment, label })),
      },
    );
    this.editing = { message, composer };
    this.messages.edit(message, composer.element);
    composer.focus();
    this.keeper.soon();
  }

  private endEdit(): void {
    this.editing = undefined;
    this.messages.edit(undefined);
    this.keeper.soon();
  }

  private follow(event: MouseEvent): void {
    const link = (event.target as Element).closest<HTMLElement>('.link[data-target]');
    if (link !== null) {
      event.preventDefault();
      post({ kind: 'follow', target: link.dataset['target'] ?? '' });
    }
  }

  /** As the keeper wants it. */
  private get now(): Now | undefined {
    if (!this.state.started) {
      return undefined;
    }
    const { follower, element: scroller } = this.messages;
    const { editing } = this;
    return {
      conversation: this.id,
      draft: this.main.saved,
      editing: editing === undefined ? null : { message: editing.message, draft: editing.composer.saved },
      top: follower.following ? null : scroller.scrollTop,
      thinking: this.think.checked,
      list: this.list.open,
      search: this.list.searched,
    };
  }
}

function codeOf(action: 'copy', text: string): Omit<Extract<PageMessage, { kind: 'code' }>, 'request'> {
  return { kind: 'code', action, text, language: '', path: '', attachments: [] };
}
