import * as assert from 'node:assert/strict';
import {
  cleanSummary,
  freedShare,
  planConversation,
  summaryPrompt,
  withSummary,
  type ConversationPlan,
  type PlanRequest,
  type TurnTokens,
} from '../../../server/src/conversation';
import { Random } from '../../support/random';

const turn = (text: number, attachments = 0): TurnTokens => ({ text, attachments });
const sum = (turns: readonly TurnTokens[]): number =>
  turns.reduce((total, { text, attachments }) => total + text + attachments, 0);

function randomRequest(random: Random): PlanRequest {
  const context = 500 + random.below(8000);
  const turns = Array.from({ length: random.below(30) }, () =>
    turn(random.below(context / (1 + random.below(20))), random.below(3) === 0 ? random.below(context) : 0),
  );
  const covered = random.below(turns.length + 2);
  return {
    context,
    answer: random.below(context / 2),
    system: random.below(context / 4),
    turns,
    ...(random.below(2) === 0 ? {} : { summary: { turns: covered, tokens: random.below(1000) } }),
    ...(random.below(2) === 0 ? {} : { summaryRoom: random.below(800) }),
  };
}

function roomOf(request: PlanRequest, plan: ConversationPlan): number {
  return request.summaryRoom ?? Math.min(1024, Math.floor(plan.budget / 8));
}

describe('conversation: what fits', function () {
  this.timeout(30_000);

  it('shows everything while it fits', () => {
    const plan = planConversation({ context: 1000, answer: 200, system: 100, turns: [turn(300), turn(400)] });
    assert.deepEqual(plan, {
      ...{ budget: 800, tokens: 800, summarised: 0, steps: [], unseenAttachments: [], problem: '' },
    });
  });

  it('summarises the oldest turns, so that a third is free afterwards', () => {
    const turns = Array.from({ length: 10 }, () => turn(100));
    const plan = planConversation({ context: 1100, answer: 200, system: 100, turns, summaryRoom: 50 });
    assert.equal(plan.problem, '');
    assert.equal(plan.summarised, 6);
    assert.equal(plan.tokens, 100 + 50 + 400);
    assert.deepEqual(plan.steps, [{ from: 0, to: 6, withoutAttachments: false }]);
    // The next turns change nothing.
    const after = planConversation({
      ...{ context: 1100, answer: 200, system: 100, turns: [...turns, turn(100), turn(100)] },
      ...{ summary: { turns: 6, tokens: 50 }, summaryRoom: 50 },
    });
    assert.deepEqual([after.summarised, after.steps, after.problem], [6, [], '']);
  });

  it('takes a summary further with the old one before it', () => {
    const turns = Array.from({ length: 12 }, () => turn(100));
    const plan = planConversation({
      ...{
        context: 900,
        answer: 100,
        system: 100,
        turns,
        summary: { turns: 4, tokens: 60 },
        summaryRoom: 60,
      },
    });
    assert.equal(plan.steps[0]?.from, 4);
    assert.equal(plan.steps.at(-1)?.to, plan.summarised);
    assert.ok(plan.summarised > 4);
  });

  it('says what does not fit, and what to do', () => {
    const base = { context: 1000, answer: 200, system: 100 };
    const problem = (more: Partial<PlanRequest> & Pick<PlanRequest, 'turns'>): string =>
      planConversation({ ...base, ...more }).problem;
    assert.match(
      problem({ turns: [turn(900)] }),
      /^Your message takes 900 tokens, and there is room for 700\. Shorten/,
    );
    assert.match(
      problem({ turns: [turn(100, 5000)] }),
      /^What is attached takes 5,000 tokens, and 600 are left/,
    );
    assert.match(
      problem({ turns: [turn(900, 100)] }),
      /900 tokens and what is attached 100, and there is room/,
    );
    assert.match(problem({ system: 900, turns: [turn(1)] }), /^The model's context is too small to chat/);
    assert.match(
      problem({ turns: [turn(5000), turn(10)], summaryRoom: 50 }),
      /^Message 1 of the conversation takes 5,000 tokens, which is too much to be summarised/,
    );
    assert.match(
      problem({ turns: [turn(10), turn(600)], summary: { turns: 1, tokens: 300 }, summaryRoom: 50 }),
      /with its summary.*Begin a new one/,
    );
  });

  it('leaves what is attached out of a question that it would not fit into, and says so', () => {
    const plan = planConversation({
      ...{ context: 1000, answer: 200, system: 100, turns: [turn(50, 3000), turn(100)], summaryRoom: 50 },
    });
    assert.deepEqual(plan.steps, [{ from: 0, to: 1, withoutAttachments: true }]);
    assert.deepEqual([plan.unseenAttachments, plan.problem], [[0], '']);
  });

  it('holds what it promises, whatever it is given', () => {
    const random = new Random(7);
    const seen = { whole: 0, summarised: 0, refused: 0, again: 0 };
    for (let round = 0; round < 20_000; round += 1) {
      const request = randomRequest(random);
      const plan = planConversation(request);
      const { turns } = request;
      const last = Math.max(0, turns.length - 1);
      assert.equal(plan.budget, request.context - request.answer);
      assert.ok(plan.summarised <= last, 'the newest turn is whole');
      if (plan.problem !== '') {
        seen.refused += 1;
        assert.deepEqual(plan.steps, []);
        assert.match(plan.problem, /^[A-Z].*\.$/);
        // Refused only where even the least does not fit.
        continue;
      }
      assert.ok(plan.tokens <= plan.budget, 'what is planned fits');
      const usable =
        request.summary !== undefined && request.summary.turns > 0 && request.summary.turns <= last;
      const covered = usable ? request.summary.turns : 0;
      if (plan.steps.length === 0) {
        seen.whole += 1;
        assert.equal(plan.summarised, covered);
        continue;
      }
      seen.summarised += 1;
      // Every turn that is not shown is in a summary, each once, in order.
      let at = covered;
      for (const step of plan.steps) {
        assert.equal(step.from, at);
        assert.ok(step.to > step.from);
        assert.ok(!step.withoutAttachments || step.to === step.from + 1);
        at = step.to;
      }
      assert.equal(at, plan.summarised);
      const room = roomOf(request, plan);
      const rest = turns.slice(plan.summarised);
      assert.equal(plan.tokens, request.system + room + sum(rest));
      const wanted = plan.budget * (1 - freedShare);
      assert.ok(
        plan.tokens <= wanted || plan.summarised === last,
        'a third is free, or nothing more can be summarised',
      );
      // And no turn more than that takes.
      assert.ok(
        plan.summarised === covered + 1 ||
          request.system + room + sum(turns.slice(plan.summarised - 1)) > wanted,
      );
      // With the summary made, nothing is summarised again at once.
      const again = planConversation({ ...request, summary: { turns: plan.summarised, tokens: room } });
      assert.deepEqual([again.steps, again.problem], [[], '']);
      seen.again += 1;
    }
    assert.ok(
      Object.values(seen).every((count) => count > 500),
      JSON.stringify(seen),
    );
  });
});

describe('conversation: summaries', () => {
  it('are asked for behind the conversation as it stands, so that what is cached serves', () => {
    const messages = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ] as const;
    const asked = summaryPrompt(messages);
    assert.deepEqual(asked.slice(0, 3), messages);
    const question = asked.at(-1);
    assert.ok(asked.length === 4 && question?.role === 'user');
    assert.match(question.content, /Summarise/);
  });

  it('are kept short, and shown with the first message that is whole', () => {
    assert.equal(cleanSummary('  short \n', 100), 'short');
    assert.equal(cleanSummary('one two three four', 12), 'one two …');
    assert.ok(cleanSummary('x'.repeat(100), 10).length <= 12);
    const shown = withSummary('We chose A.', 'And now?');
    assert.ok(shown.includes('We chose A.') && shown.endsWith('\n\nAnd now?'));
  });
});
