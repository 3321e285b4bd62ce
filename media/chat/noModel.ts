/** What stands in the place of the input where nothing can be said: why, and what to do. */
import type { ChatModelState } from '../../protocol/src/chat';
import type { PageCommand } from '../../protocol/src/chatPage';
import { element, setHidden, setText } from './dom';
import { post, say } from './host';
import { visible } from './unseen';

function commandButton(
  command: PageCommand,
  label: 'importModel' | 'manageModels' | 'restart' | 'showLog',
  secondary: boolean,
): HTMLElement {
  return element(
    'vscode-button',
    {
      ...(secondary ? { secondary: true } : {}),
      onclick: () => {
        post({ kind: 'run', command });
      },
    },
    say(label),
  );
}

export class NoModel {
  readonly element: HTMLElement;
  private readonly title = element('h2');
  private readonly why = element('p', { dir: 'auto' });
  private readonly buttons = element('div', { class: 'no-model-buttons' });
  private shown = '';

  constructor() {
    this.element = element(
      'section',
      { class: 'no-model', hidden: true },
      this.title,
      this.why,
      this.buttons,
    );
  }

  /** `problem`: why there is no server. */
  show(model: ChatModelState | null, problem: string): void {
    const kind = model === null ? (problem === '' ? 'starting' : 'gone') : model.state;
    const key = `${kind} ${problem} ${model?.problem ?? ''}`;
    const hidden = kind === 'ready' || kind === 'asleep' || kind === 'loading';
    setHidden(this.element, hidden);
    if (hidden || key === this.shown) {
      return;
    }
    this.shown = key;
    const importModel = commandButton('importModel', 'importModel', kind !== 'none');
    const manage = commandButton('manageModels', 'manageModels', kind !== 'failed');
    const log = commandButton('showLog', 'showLog', true);
    switch (kind) {
      case 'none':
        this.say(say('noModel'), [say('noModelWhy'), model?.problem ?? ''], importModel, manage);
        break;
      case 'failed':
        this.say(say('modelFailed', model?.name ?? ''), [model?.problem ?? ''], manage, importModel, log);
        break;
      case 'gone':
        this.say(say('serverGone'), [problem], commandButton('restart', 'restart', false), log);
        break;
      case 'starting':
        this.say(say('starting'), []);
        break;
    }
  }

  focus(): void {
    this.buttons.querySelector<HTMLElement>('vscode-button')?.focus();
  }

  private say(title: string, why: readonly string[], ...buttons: HTMLElement[]): void {
    setText(this.title, visible(title));
    setText(this.why, visible(why.filter((text) => text !== '').join(' ')));
    this.buttons.replaceChildren(...buttons);
  }
}
