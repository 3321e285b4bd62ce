import { readHostMessage, readPageMessage } from '#protocol/chatPage';
import { readTexts, textNames } from '#protocol/chatTexts';
import * as assert from 'node:assert/strict';
import { pageHtml } from '../../../client/src/features/chat/pageHtml';

const send = {
  ...{ kind: 'send', request: 1, conversation: '', after: '', text: 'x', command: '', thinking: false },
  attachments: [{ kind: 'selection', uri: 'file:///a', name: 'a', startLine: 0, endLine: 3 }],
};

describe('protocol: messages between the chat’s page and the client', () => {
  it('takes those that are right, and copies only what it knows', () => {
    assert.deepEqual(readPageMessage({ ...send, more: 1 }), send);
    const polluted = JSON.parse('{"kind":"ready","__proto__":{"x":1},"constructor":1}') as unknown;
    const read = readPageMessage(polluted);
    assert.deepEqual(Object.keys(read ?? {}), ['kind']);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal(({} as { x?: number }).x, undefined);
  });

  it('drops the others', () => {
    const wrong: unknown[] = [
      ...[
        null,
        undefined,
        1,
        'ready',
        [],
        {},
        { kind: 'nothing' },
        { ...send, request: -1 },
        { ...send, request: 1.5 },
      ],
      ...[
        { ...send, text: 1 },
        { ...send, command: 'run' },
        { ...send, attachments: 'x' },
      ],
      { ...send, attachments: [{ kind: 'file' }] },
      { ...send, attachments: [{ kind: 'selection', uri: 'x', name: 'y', startLine: -1, endLine: 2 }] },
      Object.create(send) as unknown, // what is inherited is not said
      { kind: 'run', command: 'workbench.action.terminal.new' },
      { kind: 'follow', target: 'x'.repeat(10_000) },
      { kind: 'code', request: 1, action: 'delete', text: '', language: '', path: '', attachments: [] },
    ];
    for (const value of wrong) {
      assert.equal(readPageMessage(value), undefined, JSON.stringify(value));
    }
    for (const value of [
      { kind: 'show', conversation: {}, focus: true },
      { kind: 'model', state: null },
      { kind: 'event', event: null },
    ]) {
      assert.equal(readHostMessage(value), undefined);
    }
  });

  it('takes all kinds of messages of the host', () => {
    const label = { attachment: { kind: 'file', uri: 'file:///a' }, label: 'a' };
    const all = [
      { kind: 'model', state: null, problem: 'p' },
      { kind: 'show', conversation: null, focus: true },
      { kind: 'look', at: 'list' },
      { kind: 'listChanged' },
      { kind: 'event', event: { kind: 'deleted', id: 'c' } },
      { kind: 'list', request: 1, conversations: [], notes: [], problem: '' },
      { kind: 'answer', request: 1, problem: '' },
      { kind: 'measured', request: 1, attachments: [], context: null },
      {
        kind: 'candidates',
        request: 1,
        items: [{ key: 'k', kind: 'file', label: 'l', detail: '' }],
        note: '',
      },
      { kind: 'attached', request: 1, attachments: [label], problem: '' },
      { kind: 'compose', text: '', command: 'fix', attachments: [], labels: [], problem: '' },
      { kind: 'proposal', request: 1, state: 'open', label: 'a' },
      { kind: 'notice', text: 'n' },
    ];
    for (const message of all) {
      assert.deepEqual(readHostMessage(message), message);
    }
  });

  it('has a text for every name, whatever it is given', () => {
    for (const json of ['', '{"you":1}', 'null', '[]', '{"__proto__":{"you":"x"}}']) {
      const texts = readTexts(json);
      assert.deepEqual(Object.keys(texts), [...textNames]);
      assert.equal(texts.you, 'you');
    }
  });
});

describe('client: the chat’s page', () => {
  const html = pageHtml({
    ...{
      language: 'en"><script>',
      nonce: 'abc',
      source: 'https://own.example',
      script: 'https://own.example/p.js',
    },
    ...{ style: 'https://own.example/p.css', texts: '{"a":"\'\\"<script>"}', title: '</title>' },
    saved: '"><script>',
  });

  it('allows its own files and nothing else', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    assert.ok(policy.startsWith('default-src &#39;none&#39;;'));
    assert.ok(!/unsafe|\*|data:|blob:|https:(?!\/\/own)/.test(policy), policy);
    assert.match(policy, /script-src &#39;nonce-abc&#39;;/);
  });

  it('lets nothing out of its place', () => {
    assert.equal(html.match(/<script/g)?.length, 1);
    assert.ok(!html.includes('</title></title>'));
  });
});
