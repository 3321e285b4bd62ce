/** What is attached to a message, as chips: with the tokens that it takes, and what the model does not see of it. */
import type { Attachment, ShownAttachment } from '../../protocol/src/chat';
import { element, icon, keepOneReachable, roving } from './dom';
import { say, sayNumber } from './host';
import { visible } from './unseen';

export interface Chip {
  readonly attachment: Attachment;
  readonly label: string;
  /** undefined = not measured. */
  readonly measured?: ShownAttachment | undefined;
}

/** By what is attached. */
export const attachmentIcons: Readonly<Record<Attachment['kind'], string>> = {
  file: 'file',
  folder: 'folder',
  selection: 'selection',
  symbol: 'symbol',
  problems: 'warning',
  changes: 'changes',
};

/** Two attachments of the same thing. */
export function sameAttachment(a: Attachment, b: Attachment): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Tokens and what is left out, in words. */
export function measureInWords(shown: ShownAttachment): string {
  const { tokens, wholeTokens } = shown;
  switch (shown.shown) {
    case 'whole':
      return tokens === 0 ? '' : say('chipTokens', sayNumber(tokens));
    case 'part':
      return say('chipPart', sayNumber(tokens), sayNumber(wholeTokens));
    case 'none':
      return say('chipNone');
  }
}

function describe(chip: Chip): HTMLElement[] {
  const { measured } = chip;
  const words = measured === undefined ? '' : measureInWords(measured);
  const parts = [
    icon(attachmentIcons[chip.attachment.kind]),
    element('span', { class: 'chip-label', dir: 'auto' }, visible(measured?.label ?? chip.label)),
  ];
  if (words !== '') {
    parts.push(element('span', { class: 'chip-tokens' }, words));
  }
  return parts;
}

function titleOf(chip: Chip): string {
  const files = chip.measured?.files ?? [];
  const lines = [
    chip.measured?.label ?? chip.label,
    chip.measured?.reason ?? '',
    ...(files.length > 0 ? [say('files', files.length)] : []),
    ...files.slice(0, 20),
  ];
  return visible(
    lines
      .filter((line) => line !== '')
      .join('\n')
      .replaceAll('\n', ' · '),
  );
}

/** Attachments of a message that was sent. */
export function sentChips(attachments: readonly ShownAttachment[]): HTMLElement {
  return element(
    'ul',
    { class: 'chips', 'aria-label': say('context') },
    ...attachments.map((measured) => {
      const chip = { attachment: measured.attachment, label: measured.label, measured };
      const reason =
        measured.reason === '' ? [] : [element('span', { class: 'chip-reason' }, visible(measured.reason))];
      return element(
        'li',
        { class: `chip ${measured.shown}`, title: titleOf(chip) },
        ...describe(chip),
        ...reason,
      );
    }),
  );
}

/** Those of a message that is being written: each can be taken away. */
export class ChipRow {
  readonly element = element('ul', { class: 'chips', 'aria-label': say('context'), hidden: true });
  private chips: readonly Chip[] = [];

  constructor(private readonly onChange: () => void) {
    roving(this.element, '.chip-button', false);
    this.element.addEventListener('keydown', (event) => {
      const index = [...this.element.querySelectorAll('.chip-button')].indexOf(event.target as Element);
      if (index >= 0 && (event.key === 'Delete' || event.key === 'Backspace')) {
        event.preventDefault();
        this.removeAt(index);
      }
    });
  }

  get all(): readonly Chip[] {
    return this.chips;
  }

  set(chips: readonly Chip[]): void {
    this.chips = chips;
    this.show();
  }

  add(added: readonly Chip[]): void {
    const fresh = added.filter(
      (chip) => !this.chips.some(({ attachment }) => sameAttachment(attachment, chip.attachment)),
    );
    if (fresh.length > 0) {
      this.chips = [...this.chips, ...fresh];
      this.show();
      this.onChange();
    }
  }

  measured(shown: readonly ShownAttachment[]): void {
    this.chips = this.chips.map((chip) => {
      const measured = shown.find(({ attachment }) => sameAttachment(attachment, chip.attachment));
      return measured === undefined ? chip : { ...chip, measured };
    });
    this.show();
  }

  private removeAt(index: number): void {
    this.chips = this.chips.filter((_, i) => i !== index);
    this.show();
    const buttons = [...this.element.querySelectorAll<HTMLElement>('.chip-button')];
    (buttons[index] ?? buttons.at(-1))?.focus();
    this.onChange();
  }

  private show(): void {
    const focused = [...this.element.querySelectorAll('.chip-button')].indexOf(
      document.activeElement as Element,
    );
    this.element.replaceChildren(
      ...this.chips.map((chip, index) => {
        const label = visible(chip.measured?.label ?? chip.label);
        const words = chip.measured === undefined ? '' : measureInWords(chip.measured);
        const button = element(
          'button',
          {
            ...{ type: 'button', class: 'chip-button', title: titleOf(chip) },
            'aria-label': say('removeContext', `${label}${words === '' ? '' : `, ${words}`}`),
            onclick: () => {
              this.removeAt(index);
            },
          },
          ...describe(chip),
          icon('close'),
        );
        const reason = chip.measured?.reason ?? '';
        return element(
          'li',
          { class: `chip ${chip.measured?.shown ?? ''}` },
          button,
          ...(reason === '' ? [] : [element('span', { class: 'chip-reason' }, visible(reason))]),
        );
      }),
    );
    this.element.hidden = this.chips.length === 0;
    keepOneReachable(this.element, '.chip-button');
    if (focused >= 0) {
      [...this.element.querySelectorAll<HTMLElement>('.chip-button')][focused]?.focus();
    }
  }
}
