/** An input with what is attached: the one at the end of the page, or the one that a message becomes when it is edited. */
import type { ContextUse } from '../../protocol/src/chat';
import type { Candidate, Draft, HostMessage } from '../../protocol/src/chatPage';
import { attachmentIcons, ChipRow } from './chips';
import { element, iconButton, setHidden, setText } from './dom';
import { nextRequest, post, say, sayNumber } from './host';
import { Popup, type Option } from './popup';
import type { SavedDraft } from './saved';
import {
  candidateKinds,
  commitCommand,
  completionAt,
  inputOf,
  newCommand,
  newFilesAsked,
  parseInput,
  slashCommands,
  type Completion,
} from './slash';
import { visible } from './unseen';

const measureAfterMs = 300;

export interface ComposerOptions {
  readonly kind: 'main' | 'edit';
  /** The conversation, and the message that this one follows. */
  readonly place: () => { readonly conversation: string; readonly after: string };
  readonly onSend: (draft: Draft) => void;
  readonly onEscape: () => void;
  readonly onChange: () => void;
  /** Arrow up in an empty input. */
  readonly onUp?: () => void;
}

export class Composer {
  readonly element: HTMLElement;
  readonly buttons = element('div', { class: 'composer-buttons' });
  readonly textarea: HTMLTextAreaElement;
  private readonly chips = new ChipRow(() => {
    this.changed();
  });
  private readonly popup: Popup;
  private readonly problem = element('div', { class: 'problem', role: 'alert', hidden: true });
  private readonly over = element('div', { class: 'over', role: 'status', hidden: true });
  private timer: number | undefined;
  private measuring = 0;
  private looking = 0;
  private attaching = 0;
  private askedActive = '';

  constructor(private readonly options: ComposerOptions) {
    this.textarea = element('textarea', {
      ...{ rows: 1, 'aria-label': say(options.kind === 'main' ? 'input' : 'inputEdit') },
      ...{ placeholder: say('inputHint'), dir: 'auto', spellcheck: 'false' },
      oninput: () => {
        this.changed();
      },
      onkeydown: (event: KeyboardEvent) => {
        this.key(event);
      },
      onselect: () => {
        this.complete();
      },
      onclick: () => {
        this.complete();
      },
      onblur: () => {
        this.popup.close();
      },
    });
    this.popup = new Popup(this.textarea);
    const hash = iconButton('add', say('addContext'), () => {
      this.beginContext();
    });
    this.buttons.append(hash);
    this.element = element(
      'div',
      { class: `composer ${options.kind}` },
      this.problem,
      element(
        'div',
        { class: 'composer-box' },
        this.chips.element,
        this.textarea,
        this.buttons,
        this.popup.element,
      ),
      this.over,
    );
  }

  get draft(): Draft {
    return {
      ...parseInput(this.textarea.value),
      attachments: this.chips.all.map(({ attachment }) => attachment),
    };
  }

  get saved(): SavedDraft {
    return {
      input: this.textarea.value,
      chips: this.chips.all.map(({ attachment, label }) => ({ attachment, label })),
    };
  }

  get empty(): boolean {
    return this.textarea.value.trim() === '' && this.chips.all.length === 0;
  }

  /** Puts a draft in the place of what is there. */
  set(draft: SavedDraft): void {
    this.textarea.value = draft.input;
    this.chips.set(draft.chips);
    this.askedActive = parseInput(draft.input).command;
    this.popup.close();
    this.measureSoon();
  }

  /** Adds to what the user has written and attached already: that is not lost to a question from elsewhere. */
  addDraft({ command, text, attachments }: Draft, labels: readonly string[]): void {
    const there = parseInput(this.textarea.value);
    const words = [text, there.text].filter((part) => part !== '').join('\n\n');
    const { chips } = this.saved;
    const known = new Set(chips.map(({ attachment }) => JSON.stringify(attachment)));
    const more = attachments
      .map((attachment, i) => ({ attachment, label: labels[i] ?? '' }))
      .filter(({ attachment }) => !known.has(JSON.stringify(attachment)));
    this.set({
      input: inputOf(command === '' ? there.command : command, words),
      chips: [...chips, ...more],
    });
    this.changed();
  }

  focus(): void {
    const had = document.activeElement === this.textarea;
    this.textarea.focus();
    if (!had) {
      // Where the user has been before, the cursor and what is selected stay.
      this.textarea.setSelectionRange(this.textarea.value.length, this.textarea.value.length);
    }
  }

  showProblem(text: string): void {
    setText(this.problem, visible(text));
    setHidden(this.problem, text === '');
  }

  /** What the host says to a request of this input; whether it was one. */
  hear(message: HostMessage): boolean {
    switch (message.kind) {
      case 'measured':
        if (message.request !== this.measuring) {
          return false;
        }
        this.chips.measured(message.attachments);
        this.showBudget(message.context);
        return true;
      case 'candidates':
        if (message.request !== this.looking) {
          return false;
        }
        this.showCandidates(message.items, message.note);
        return true;
      case 'attached':
        if (message.request !== this.attaching) {
          return false;
        }
        this.chips.add(message.attachments);
        if (message.problem !== '') {
          this.showProblem(message.problem);
        }
        return true;
      default:
        return false;
    }
  }

  drop(uris: readonly string[]): void {
    this.attaching = nextRequest();
    post({ kind: 'drop', request: this.attaching, uris });
  }

  measureSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.measuring = nextRequest();
      post({ kind: 'measure', request: this.measuring, ...this.options.place(), ...this.draft });
    }, measureAfterMs);
  }

  private changed(): void {
    this.showProblem('');
    this.complete();
    this.attachForCommand();
    this.options.onChange();
    this.measureSoon();
  }

  /** A command is about what is attached: where nothing is, what stands in the editor. Once, so that it can be taken away. */
  private attachForCommand(): void {
    const { command } = parseInput(this.textarea.value);
    const whole = command !== '' && this.textarea.value.length > command.length + 1;
    if (whole && command !== this.askedActive && this.chips.all.length === 0) {
      this.askedActive = command;
      this.attaching = nextRequest();
      post({ kind: 'attachActive', request: this.attaching });
    } else if (command === '') {
      this.askedActive = '';
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) {
      return;
    }
    if (this.popup.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (this.handOver()) {
        return;
      }
      const { draft } = this;
      if (draft.text !== '' || draft.command !== '') {
        this.options.onSend(draft);
      }
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.options.onEscape();
    } else if (event.key === 'ArrowUp' && this.textarea.value === '' && this.options.onUp !== undefined) {
      event.preventDefault();
      this.options.onUp();
    }
  }

  /** What is written may be no message, but for another feature, whichever way it is sent; whether it was. */
  handOver(): boolean {
    const { value } = this.textarea;
    const files = newFilesAsked(value);
    if (value.trim() === commitCommand) {
      this.writeCommitMessage();
    } else if (files !== undefined) {
      this.generateFiles(files);
    } else {
      return false;
    }
    return true;
  }

  private writeCommitMessage(): void {
    this.textarea.value = '';
    this.changed();
    post({ kind: 'run', command: 'chat.commitMessage' });
  }

  /** The plan opens in the editor; '' = what is wanted is asked there. */
  private generateFiles(text: string): void {
    const { attachments } = this.draft;
    this.set({ input: '', chips: [] });
    this.changed();
    post({ kind: 'newFiles', text, attachments });
  }

  private beginContext(): void {
    const { value, selectionStart } = this.textarea;
    const space = selectionStart > 0 && !/\s/.test(value[selectionStart - 1] ?? '') ? ' ' : '';
    this.textarea.focus();
    this.textarea.setRangeText(`${space}#`, selectionStart, selectionStart, 'end');
    this.changed();
  }

  private complete(): void {
    const { selectionStart, selectionEnd, value } = this.textarea;
    const found = selectionStart === selectionEnd ? completionAt(value, selectionStart) : undefined;
    if (found === undefined) {
      this.popup.close();
      this.looking = 0;
    } else if (found.kind === 'slash') {
      const options = slashCommands
        .filter((name) => name.startsWith(found.query))
        .map((name) => ({
          ...{ icon: 'command', label: `/${name}`, detail: say(name) },
          choose: () => {
            this.replace(found, `/${name} `);
          },
        }));
      const commit = {
        ...{ icon: 'command', label: commitCommand, detail: say('commit') },
        choose: () => {
          this.writeCommitMessage();
        },
      };
      const files = {
        ...{ icon: 'command', label: newCommand, detail: say('newFiles') },
        choose: () => {
          this.replace(found, `${newCommand} `);
        },
      };
      const ours = [files, commit].filter(({ label }) => label.startsWith(`/${found.query}`));
      this.popup.show([...options, ...ours], '');
    } else {
      this.looking = nextRequest();
      post({ kind: 'candidates', request: this.looking, of: found.of, query: found.query });
      this.popup.show(this.kindOptions(found), say('looking'));
    }
  }

  private kindOptions(found: Completion): Option[] {
    return found.kind !== 'context' || found.of !== ''
      ? []
      : candidateKinds
          .filter((kind) => kind.startsWith(found.query.toLowerCase()))
          .map((kind) => ({
            ...{ icon: attachmentIcons[kind], label: `#${kind}:`, detail: say(kind) },
            choose: () => {
              this.replace(found, `#${kind}:`);
            },
          }));
  }

  private showCandidates(items: readonly Candidate[], note: string): void {
    const found = completionAt(this.textarea.value, this.textarea.selectionStart);
    if (found?.kind !== 'context' || document.activeElement !== this.textarea) {
      return;
    }
    const kinds = this.kindOptions(found);
    const options = items.map((item) => ({
      ...{ icon: attachmentIcons[item.kind], label: item.label, detail: item.detail },
      choose: () => {
        this.replace(found, '');
        this.attaching = nextRequest();
        post({ kind: 'attach', request: this.attaching, key: item.key });
      },
    }));
    const all = found.query === '' ? [...kinds, ...options] : [...options, ...kinds];
    this.popup.show(all, note !== '' ? note : all.length === 0 ? say('nothingFound') : '');
  }

  private replace({ start, end }: Completion, by: string): void {
    this.textarea.focus();
    this.textarea.setRangeText(by, start, end, 'end');
    this.changed();
  }

  private showBudget(context: ContextUse | null): void {
    const over = context !== null && context.budget > 0 && context.tokens > context.budget;
    setText(this.over, over ? say('overBudget', sayNumber(context.tokens), sayNumber(context.budget)) : '');
    setHidden(this.over, !over);
  }
}
