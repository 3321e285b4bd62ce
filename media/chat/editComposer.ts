/** An earlier message that has become an input in its place. */
import { Composer } from './composer';
import { element, iconButton } from './dom';
import { say } from './host';

type Options = Omit<ConstructorParameters<typeof Composer>[0], 'kind' | 'onUp'>;

export function editComposer(options: Options): Composer {
  const composer = new Composer({ ...options, kind: 'edit' });
  composer.buttons.append(
    element('span', { class: 'space' }),
    iconButton('close', say('cancelEdit'), options.onEscape),
    iconButton('send', say('send'), () => {
      if (!composer.handOver()) {
        options.onSend(composer.draft);
      }
    }),
  );
  return composer;
}
