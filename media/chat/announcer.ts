/** Tells screen readers when an answer begins and when it ends, and nothing in between. */
import { element } from './dom';
import { say } from './host';
import { writing, type State } from './state';

export class Announcer {
  readonly element = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });

  say(text: string): void {
    this.element.replaceChildren(element('span', {}, text)); // a new node: the same words are said again
  }

  follow(before: State, after: State): void {
    const old = writing(before.conversation);
    const now = writing(after.conversation);
    if (now !== undefined && now.id !== old?.id) {
      this.say(say('begun'));
    } else if (old !== undefined && now === undefined && after.conversation?.id === before.conversation?.id) {
      const ended = after.conversation?.shown.find(({ id }) => id === old.id)?.state;
      this.say(
        say(
          ended === 'failed'
            ? 'doneFailed'
            : ended === 'done' || ended === undefined
              ? 'done'
              : 'doneStopped',
        ),
      );
    }
  }
}
