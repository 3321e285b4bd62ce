import type { ChatMessage, Conversation } from '#protocol';
import * as assert from 'node:assert/strict';
import { firstState, reduce, type State } from '../../../media/chat/state';
import { completionAt, inputOf, newFilesAsked, parseInput } from '../../../media/chat/slash';
import { droppedUris } from '../../../media/chat/droppedUris';
import { pieces, visible } from '../../../media/chat/unseen';
import { nothingSaved, readSaved, withDraft } from '../../../media/chat/saved';

const message = (id: string, more: Partial<ChatMessage> = {}): ChatMessage => ({
  ...{
    id,
    role: 'assistant',
    text: '',
    thinking: '',
    command: '',
    attachments: [],
    state: 'writing',
    problem: '',
  },
  ...{ figures: null, versions: [id], at: 0 },
  ...more,
});

const conversation = (id: string, shown: readonly ChatMessage[]): Conversation => ({
  ...{ id, title: 't', updatedAt: 0, messages: shown.length, busy: true, shown, thinking: false },
  context: { tokens: 0, budget: 0, summarised: 0, summary: '' },
});

const shown = (id: string, ...messages: ChatMessage[]): State =>
  reduce(firstState, { kind: 'show', conversation: conversation(id, messages), focus: false });

const text = (at: number, more: string, of = 'm', id = 'c'): Parameters<typeof reduce>[1] => ({
  kind: 'event',
  event: { kind: 'text', id, message: of, part: 'text', at, text: more, tokens: 1, speed: 2 },
});

describe('chat page: state', () => {
  it('adds pieces of text, and takes what comes twice once', () => {
    let state = shown('c', message('m'));
    state = reduce(state, text(0, 'Hello'));
    state = reduce(state, text(5, ' you'));
    state = reduce(state, text(3, 'lo you all'));
    assert.equal(state.conversation?.shown[0]?.text, 'Hello you all');
    assert.deepEqual(state.live, { message: 'm', phase: 'writing', share: 1, tokens: 1, speed: 2 });
    assert.equal(state.gap, false);
  });

  it('notices a piece that is missing, and is whole again with the next conversation', () => {
    const before = shown('c', message('m'));
    const state = reduce(before, text(7, 'x'));
    assert.equal(state.gap, true);
    assert.equal(state.conversation?.shown[0]?.text, '');
    assert.equal(reduce(state, text(9, 'y')), state);
    const again = reduce(state, {
      kind: 'show',
      conversation: conversation('c', [message('m', { text: '1234567x' })]),
      focus: false,
    });
    assert.equal(again.gap, false);
  });

  it('does not listen to what is said of another conversation', () => {
    const state = shown('c', message('m'));
    assert.equal(reduce(state, text(0, 'x', 'm', 'other')), state);
    assert.equal(reduce(state, { kind: 'event', event: { kind: 'deleted', id: 'other' } }), state);
    const changed = conversation('other', []);
    assert.equal(reduce(state, { kind: 'event', event: { kind: 'changed', conversation: changed } }), state);
  });

  it('forgets what was going on when the answer ends, and the conversation when it is deleted', () => {
    let state = reduce(shown('c', message('m')), text(0, 'x'));
    const done = conversation('c', [message('m', { text: 'x', state: 'done' })]);
    state = reduce(state, { kind: 'event', event: { kind: 'changed', conversation: done } });
    assert.equal(state.live, null);
    state = reduce(state, { kind: 'event', event: { kind: 'deleted', id: 'c' } });
    assert.equal(state.conversation, null);
  });
});

describe('chat page: the input', () => {
  it('reads commands, and writes them back', () => {
    assert.deepEqual(parseInput('/fix the loop'), { command: 'fix', text: 'the loop' });
    assert.deepEqual(parseInput('/fixed it'), { command: '', text: '/fixed it' });
    assert.deepEqual(parseInput('/usr/bin is a path'), { command: '', text: '/usr/bin is a path' });
    assert.deepEqual(parseInput('/doc'), { command: 'doc', text: '' });
    assert.deepEqual(
      ['/new a parser\nof dates ', '/new', '/newer', 'a /new one', '/new\nx'].map(newFilesAsked),
      ['a parser\nof dates', '', undefined, undefined, 'x'],
    );
    assert.equal(inputOf('doc', 'x'), '/doc x');
    assert.equal(inputOf('doc', ''), '/doc ');
    assert.equal(inputOf('', 'x'), 'x');
  });

  it('completes commands at the beginning, and context anywhere', () => {
    assert.deepEqual(completionAt('/ex', 3), { kind: 'slash', start: 0, end: 3, query: 'ex' });
    assert.equal(completionAt('a /ex', 5), undefined);
    assert.deepEqual(completionAt('see #src/a', 10), {
      kind: 'context',
      start: 4,
      end: 10,
      of: '',
      query: 'src/a',
    });
    assert.deepEqual(completionAt('#symbol:Foo bar', 11), {
      kind: 'context',
      start: 0,
      end: 11,
      of: 'symbol',
      query: 'Foo',
    });
    assert.equal(completionAt('#a b', 4), undefined);
    assert.equal(completionAt('issue#12', 8), undefined);
  });

  it('finds what was dropped', () => {
    const data = (given: Record<string, string>) => ({ getData: (format: string) => given[format] ?? '' });
    assert.deepEqual(
      droppedUris(data({ 'text/uri-list': 'file:///a\r\n# no\r\nfile:///b', resourceurls: '["file:///a"]' })),
      ['file:///a', 'file:///b'],
    );
    assert.deepEqual(droppedUris(data({ resourceurls: '{"a":1' })), []);
  });

  it('remembers drafts by conversation, and no empty ones', () => {
    const draft = (input: string) => ({ input, chips: [] });
    let drafts = withDraft([], 'a', draft('x'));
    drafts = withDraft(drafts, 'b', draft('y'));
    drafts = withDraft(drafts, 'a', draft(''));
    assert.deepEqual(drafts, [{ conversation: 'b', draft: draft('y') }]);
    assert.equal(
      withDraft(
        Array.from({ length: 30 }, (_, i) => ({ conversation: String(i), draft: draft('z') })),
        'n',
        draft('n'),
      ).length,
      20,
    );
    const saved = { ...nothingSaved, at: 5, drafts };
    assert.deepEqual(readSaved(saved), saved);
    assert.deepEqual(readSaved({ ...saved, at: 4, drafts: [] }, saved, undefined), saved);
    assert.equal(readSaved({ ...nothingSaved, top: 'x' }), nothingSaved);
    assert.equal(readSaved(undefined), nothingSaved);
  });
});

describe('chat page: unseen characters', () => {
  it('are written out, each of them', () => {
    assert.equal(visible('a\u202Eb\u202Cc'), 'a⟨U+202E⟩b⟨U+202C⟩c');
    assert.deepEqual(
      pieces('\u202Ea\u001B').map((piece) => piece.unseen),
      [true, false, true],
    );
    assert.equal(visible('line\n\ttab é 日本 👩‍💻'), 'line\n\ttab é 日本 👩‍💻');
  });
});
