/** A sentence above the input that says what went wrong, until it is dismissed or over. */
import { element, iconButton, setHidden } from './dom';
import { say } from './host';
import { visible } from './unseen';

export class ProblemBar {
  readonly element = element('div', { class: 'problem', role: 'alert', hidden: true });

  constructor(private readonly onDismiss: () => void) {}

  /** '' = nothing is wrong. */
  show(problem: string): void {
    const dismiss = iconButton('close', say('dismiss'), () => {
      this.show('');
      this.onDismiss();
    });
    this.element.replaceChildren(
      ...(problem === '' ? [] : [element('span', { dir: 'auto' }, visible(problem)), dismiss]),
    );
    setHidden(this.element, problem === '');
  }
}
