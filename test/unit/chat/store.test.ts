import { strict as assert } from 'node:assert';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConversationStore, workspaceKey } from '#server/chat/store';
import { withChange, type KeptConversation } from '#server/chat/tree';
import { branched, message } from './support';

describe('chat/store', () => {
  let root: string;
  let store: ConversationStore;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-chat-'));
    store = new ConversationStore(join(root, 'chat', 'a'.repeat(32)));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const file = (): string => join(root, 'chat', 'a'.repeat(32), `${branched.id}.json`);

  it('gives back what it was given', async () => {
    const attachment = {
      kind: 'selection',
      uri: 'file:///a.ts',
      name: '',
      startLine: 1,
      endLine: 3,
    } as const;
    const kept: KeptConversation = withChange(branched, 'm1', {
      attachments: [
        {
          ...{
            attachment,
            label: 'a.ts:2-3',
            tokens: 4,
            wholeTokens: 9,
            shown: 'part',
            reason: 'Why.',
            files: ['b'],
          },
          content: 'x\u2028y',
        },
      ],
    });
    await store.write(kept);
    assert.deepEqual(await store.read(branched.id), kept);
    assert.deepEqual(await store.list(() => assert.fail()), [kept]);
    if (process.platform !== 'win32') {
      assert.equal(statSync(file()).mode & 0o777, 0o600);
    }
  });

  it('calls interrupted what nobody writes any more, with what there was of it', async () => {
    await store.write(withChange(branched, 'm5', { state: 'writing', text: '' }));
    await store.writePartial(branched.id, { message: 'm5', thinking: 'Hm', text: 'So far' });
    const restored = (await store.read(branched.id))?.messages.at(-1);
    assert.deepEqual([restored?.state, restored?.thinking, restored?.text], ['interrupted', 'Hm', 'So far']);
  });

  it('takes no partial answer for another one', async () => {
    await store.write(withChange(branched, 'm5', { state: 'writing', text: 'begun' }));
    await store.writePartial(branched.id, { message: 'm4', thinking: '', text: 'old' });
    assert.equal((await store.read(branched.id))?.messages.at(-1)?.text, 'begun');
  });

  it('puts aside what it cannot read, and says so', async () => {
    await store.write(branched);
    const whole = readFileSync(file(), 'utf8');
    const broken = [
      whole.slice(0, whole.length / 2),
      '',
      'null',
      '[]',
      whole.replace('"parent":"m3"', '"parent":"m9"'),
      whole.replace('"head":"m5"', '"head":"m9"'),
      whole.replace('"id":"m4"', '"id":"m3"'),
      whole.replace('"role":"user"', '"role":"system"'),
      whole.replace(branched.id, 'f'.repeat(16)),
    ];
    for (const text of broken) {
      writeFileSync(file(), text);
      const damaged: string[] = [];
      assert.equal(await store.read(branched.id, (id) => damaged.push(id)), undefined, text.slice(0, 80));
      assert.deepEqual(damaged, [branched.id]);
      assert.equal(readFileSync(`${file()}.damaged`, 'utf8'), text);
    }
  });

  it('leaves alone what a newer version has written', async () => {
    await store.write(branched);
    const newer = readFileSync(file(), 'utf8').replace('"version":1', '"version":2');
    writeFileSync(file(), newer);
    assert.equal(await store.read(branched.id, () => assert.fail()), undefined);
    assert.equal(readFileSync(file(), 'utf8'), newer);
  });

  it('keeps the old conversation when the new one cannot be written', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    await store.write(branched);
    const elsewhere = join(root, 'elsewhere');
    const linked = new ConversationStore(join(root, 'link'));
    symlinkSync(elsewhere, join(root, 'link'));
    await assert.rejects(linked.write(branched));
    assert.deepEqual(readdirSync(join(root, 'chat', 'a'.repeat(32))), [`${branched.id}.json`]);
  });

  it('removes all of a conversation, and its folder with the last one', async () => {
    await store.write(branched);
    await store.writePartial(branched.id, { message: 'm5', thinking: '', text: '' });
    await store.remove(branched.id);
    assert.deepEqual(readdirSync(join(root, 'chat')), []);
    await store.remove(branched.id); // again is no error
  });

  it('reads no other files than its own', async () => {
    await store.write(branched);
    for (const id of ['../../x', '', 'm1', `${branched.id}/..`]) {
      assert.equal(await store.read(id), undefined);
    }
  });

  it('knows a workspace by its folders, in whatever order', () => {
    assert.equal(workspaceKey(['file:///a', 'file:///b/']), workspaceKey(['file:///b', 'file:///a']));
    assert.notEqual(workspaceKey(['file:///a']), workspaceKey(['file:///b']));
    assert.match(workspaceKey([]), /^[0-9a-f]{32}$/);
    assert.notEqual(message('m1', '', 'user').id, '');
  });
});
