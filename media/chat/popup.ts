/** The list above an input while `/` or `#` is being completed. The input keeps the focus; the list follows its keys. */
import { element, icon, setText } from './dom';
import { say } from './host';
import { visible } from './unseen';

export interface Option {
  readonly icon: string;
  readonly label: string;
  readonly detail: string;
  readonly choose: () => void;
}

let popups = 0;

export class Popup {
  readonly element: HTMLElement;
  private readonly list: HTMLElement;
  private readonly note = element('div', { class: 'popup-note' });
  private options: readonly Option[] = [];
  private active = 0;

  constructor(private readonly input: HTMLElement) {
    popups += 1;
    const id = `popup-${String(popups)}`;
    this.list = element('div', { role: 'listbox', id, 'aria-label': say('suggestions') });
    this.element = element('div', { class: 'popup', hidden: true }, this.list, this.note);
    input.setAttribute('aria-autocomplete', 'list');
    input.setAttribute('aria-controls', id);
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  /** `note`: shown below, or alone where there are no options. */
  show(options: readonly Option[], note: string): void {
    const kept = this.options[this.active]?.label;
    this.options = options;
    this.active = Math.max(
      0,
      options.findIndex(({ label }) => label === kept),
    );
    this.list.replaceChildren(
      ...options.map((option, index) =>
        element(
          'div',
          {
            ...{ role: 'option', id: `${this.list.id}-${String(index)}`, class: 'option' },
            // Before the input loses the focus.
            onmousedown: (event: MouseEvent) => {
              event.preventDefault();
              option.choose();
            },
          },
          icon(option.icon),
          element('span', { class: 'option-label' }, visible(option.label)),
          element('span', { class: 'option-detail' }, visible(option.detail)),
        ),
      ),
    );
    setText(this.note, note);
    this.note.hidden = note === '';
    this.element.hidden = options.length === 0 && note === '';
    this.mark();
  }

  close(): void {
    this.element.hidden = true;
    this.options = [];
    this.list.replaceChildren();
    this.input.removeAttribute('aria-activedescendant');
  }

  /** Whether the key was for the list. */
  key(event: KeyboardEvent): boolean {
    if (!this.open || event.ctrlKey || event.altKey || event.metaKey) {
      return false;
    }
    const { length } = this.options;
    switch (event.key) {
      case 'Escape':
        this.close();
        return true;
      case 'ArrowDown':
      case 'ArrowUp':
        if (length > 0) {
          this.active = (this.active + (event.key === 'ArrowDown' ? 1 : length - 1)) % length;
          this.mark();
        }
        return length > 0;
      case 'Enter':
      case 'Tab': {
        const option = event.shiftKey ? undefined : this.options[this.active];
        option?.choose();
        return option !== undefined;
      }
      default:
        return false;
    }
  }

  private mark(): void {
    const all = [...this.list.children];
    all.forEach((child, index) => {
      child.setAttribute('aria-selected', String(index === this.active));
    });
    const one = all[this.active];
    if (one === undefined) {
      this.input.removeAttribute('aria-activedescendant');
    } else {
      this.input.setAttribute('aria-activedescendant', one.id);
      one.scrollIntoView({ block: 'nearest' });
    }
  }
}
