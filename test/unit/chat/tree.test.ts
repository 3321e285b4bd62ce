import { strict as assert } from 'node:assert';
import {
  branchTo,
  matches,
  newestBelow,
  nextId,
  shownBranch,
  summaryOf,
  titleOf,
  versionsOf,
  withChange,
  withMessage,
  type KeptConversation,
} from '#server/chat/tree';
import { branched, message } from './support';

const ids = (messages: readonly { readonly id: string }[]): string[] => messages.map(({ id }) => id);

describe('chat/tree', () => {
  it('shows the branch of its head, and finds the others again', () => {
    assert.deepEqual(ids(shownBranch(branched)), ['m1', 'm5']);
    assert.deepEqual(ids(branchTo(branched, 'm4')), ['m1', 'm2', 'm3', 'm4']);
    assert.deepEqual(branchTo(branched, 'nobody'), []);
    assert.equal(newestBelow(branched, 'm2'), 'm4');
    assert.equal(newestBelow(branched, 'm5'), 'm5');
    assert.equal(newestBelow(branched, 'm1'), 'm5');
  });

  it('counts as versions what follows the same message', () => {
    const versions = (id: string): readonly string[] => {
      const found = branched.messages.find((one) => one.id === id);
      assert.ok(found);
      return versionsOf(branched, found);
    };
    assert.deepEqual(versions('m2'), ['m2', 'm5']);
    assert.deepEqual(versions('m5'), ['m2', 'm5']);
    assert.deepEqual(versions('m3'), ['m3']);
    const edited = withMessage(branched, message('m6', '', 'user'));
    assert.deepEqual(versionsOf(edited, edited.messages[0] as never), ['m1', 'm6']);
  });

  it('loses nothing by edits and regenerations', () => {
    let conversation: KeptConversation = branched;
    for (let i = 0; i < 50; i += 1) {
      const at = conversation.messages[(i * 7) % conversation.messages.length] as never as {
        id: string;
        role: string;
      };
      const role = at.role === 'user' ? 'assistant' : 'user';
      const before = conversation.messages;
      conversation = withMessage(conversation, message(nextId(conversation), at.id, role));
      assert.deepEqual(conversation.messages.slice(0, -1), before);
      assert.deepEqual(ids(shownBranch(conversation)).at(-1), conversation.head);
    }
    assert.equal(new Set(ids(conversation.messages)).size, conversation.messages.length);
    for (const { id } of conversation.messages) {
      assert.ok(branchTo(conversation, newestBelow(conversation, id)).some((one) => one.id === id));
    }
  });

  it('changes one message and leaves the old conversation as it was', () => {
    const changed = withChange(branched, 'm5', { text: 'other' });
    assert.equal(changed.messages.at(-1)?.text, 'other');
    assert.equal(branched.messages.at(-1)?.text, 'assistant m5');
  });

  it('takes the summary that covers most of what is shown, and none of another branch', () => {
    const long = { ...branched, head: 'm4' };
    const withSummaries = {
      ...long,
      summaries: [
        { last: 'm2', text: 'short' },
        { last: 'm3', text: 'longer' },
        { last: 'm5', text: 'of the other branch' },
      ],
    };
    assert.deepEqual(summaryOf(withSummaries, shownBranch(withSummaries)), { text: 'longer', covered: 3 });
    const other = { ...withSummaries, head: 'm1' };
    assert.deepEqual(summaryOf(other, shownBranch(other)), { text: '', covered: 0 });
  });

  it('makes titles of one line', () => {
    assert.equal(titleOf('  What is\n this?  '), 'What is this?');
    assert.equal(titleOf('x'.repeat(100)).length, 60);
  });

  it('finds conversations by words that stand anywhere in them', () => {
    assert.ok(matches(branched, ''));
    assert.ok(matches(branched, 'TITLE m4'));
    assert.ok(!matches(branched, 'title nowhere'));
  });
});
