/** Below the input: how full the model's context is, what is summarised, and how fast the answer comes. */
import { element, setHidden, setText } from './dom';
import { say, sayNumber } from './host';
import { phaseInWords } from './messageView';
import { writing, type State } from './state';
import { visible } from './unseen';

export class Footer {
  readonly element: HTMLElement;
  private readonly use = element('span', { class: 'use' });
  private readonly fill = element('div');
  private readonly meter = element(
    'div',
    { class: 'context-meter', role: 'meter', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    this.fill,
  );
  private readonly speed = element('span', { class: 'speed' });
  private readonly model = element('span', { class: 'model', dir: 'auto' });
  private readonly summary = element('details', { class: 'summary', hidden: true });
  private readonly summaryTitle = element('summary');
  private readonly summaryText = element('div', { class: 'summary-text', dir: 'auto', tabindex: 0 });

  constructor() {
    this.summary.append(this.summaryTitle, this.summaryText);
    this.element = element(
      'footer',
      {},
      this.summary,
      element('div', { class: 'figures' }, this.model, this.meter, this.use, this.speed),
    );
  }

  show(state: State): void {
    const { model, conversation, live } = state;
    const context = conversation?.context;
    setText(this.model, visible(this.modelInWords(state)));
    const budget =
      context === undefined || context.budget === 0 ? (model?.contextTokens ?? 0) : context.budget;
    const tokens = context?.tokens ?? 0;
    const known = context !== undefined && budget > 0;
    setText(this.use, known ? say('tokensOf', sayNumber(tokens), sayNumber(budget)) : '');
    setHidden(this.meter, !known);
    if (known) {
      const percent = Math.min(100, Math.round((tokens / budget) * 100));
      this.meter.setAttribute('aria-valuenow', String(percent));
      this.fill.style.width = `${String(percent)}%`;
      this.meter.classList.toggle('nearly-full', percent > 80);
      this.meter.setAttribute('aria-label', this.use.textContent);
    }
    const answer = writing(conversation);
    setText(
      this.speed,
      answer === undefined || live === null ? this.lastSpeed(state) : this.liveInWords(state),
    );
    const summarised = context?.summarised ?? 0;
    setHidden(this.summary, summarised === 0);
    if (summarised > 0) {
      setText(this.summaryTitle, say('summarised', sayNumber(summarised)));
      setText(this.summaryText, visible(context?.summary ?? ''));
    }
  }

  private modelInWords({ model }: State): string {
    if (model === null || model.state === 'none' || model.state === 'failed') {
      return '';
    }
    return model.state === 'loading'
      ? say('loading', model.name)
      : model.state === 'asleep'
        ? say('asleep', model.name)
        : model.name;
  }

  private liveInWords({ live }: State): string {
    if (live === null) {
      return '';
    }
    return live.phase === 'writing' && live.speed > 0
      ? say('speed', sayNumber(live.speed), sayNumber(live.tokens))
      : phaseInWords(live);
  }

  private lastSpeed({ conversation }: State): string {
    const figures = conversation?.shown.findLast((message) => message.figures !== null)?.figures;
    return figures == null || figures.decodeMs <= 0
      ? ''
      : say(
          'speed',
          sayNumber((figures.answerTokens / figures.decodeMs) * 1000),
          sayNumber(figures.answerTokens),
        );
  }
}
