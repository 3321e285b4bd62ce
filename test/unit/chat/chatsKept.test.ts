/** What is kept of chats: on the disk, after a crash, beside other windows. */
import { strict as assert } from 'node:assert';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conversation } from '#protocol';
import { echo, last, send, sleep, streamed, testChats, texts, type TestChats } from './chatSupport';

describe('chat/chats, kept', () => {
  let t: TestChats;
  const begin = (...args: Parameters<typeof testChats>): TestChats => (t = testChats(...args));
  afterEach(() => {
    t.end();
  });

  it('finds a conversation again whose server was killed in mid-answer', async () => {
    begin({ answer: () => 'word '.repeat(2000), decodeMsPerToken: 5 });
    const { conversation: id } = await send(t, 'Talk');
    while (streamed(t.events).length < 20) {
      await sleep(2);
    }
    await sleep(1_300); // it is kept twice a second
    const other = t.again({ decodeMsPerToken: 0, answer: () => 'and on' }); // the first one is never told
    const found = (await other.chats.open(id)) as Conversation;
    assert.equal(last(found).state, 'interrupted');
    assert.match(last(found).text, /^word word/);
    assert.equal((await other.chats.list('')).conversations[0]?.busy, false);
    await t.chats.dispose();
    await other.chats.continue(id, last(found).id);
    assert.match(last(await other.idle(id)).text, /^word word .*and on$/);
  });

  it('keeps what there is when the server ends in good order', async () => {
    begin({ answer: () => 'word '.repeat(2000), decodeMsPerToken: 2 });
    const { conversation: id } = await send(t, 'Talk');
    while (streamed(t.events).length < 20) {
      await sleep(2);
    }
    await t.chats.dispose();
    const found = (await t.again().chats.open(id)) as Conversation;
    assert.equal(last(found).state, 'stopped');
    assert.match(last(found).text, /^word/);
    assert.ok(!readdirSync(join(t.folder, 'w')).some((name) => name.endsWith('.partial')));
  });

  it('adds nothing when the disk cannot be written', async () => {
    begin({ answer: echo });
    writeFileSync(join(t.folder, 'w'), 'a file stands where the folder should be');
    const sent = await send(t, 'Hello');
    assert.match(sent.problem, /was not sent/);
    assert.equal(sent.conversation, '');
    rmSync(join(t.folder, 'w'));
    assert.equal((await t.say('Hello')).messages, 2);
  });

  it('holds an answer that cannot be written, and writes it with the next change', async () => {
    begin({ answer: () => 'word '.repeat(50), decodeMsPerToken: 2 });
    const { conversation: id } = await send(t, 'Talk');
    rmSync(join(t.folder, 'w'), { recursive: true });
    writeFileSync(join(t.folder, 'w'), '');
    const held = await t.idle(id);
    assert.match(last(held).text, /^word/);
    const shown = t.events.filter((event) => event.kind === 'changed').at(-1);
    assert.match(shown?.kind === 'changed' ? last(shown.conversation).problem : '', /is not saved/);
    rmSync(join(t.folder, 'w'));
    mkdirSync(join(t.folder, 'w'));
    chmodSync(join(t.folder, 'w'), 0o700);
    assert.equal((await t.chats.rename(id, 'Kept')).problem, '');
    assert.equal(last((await t.again().chats.open(id)) as Conversation).text, last(held).text);
  });

  it('renames, finds, exports and deletes', async () => {
    begin({ answer: echo });
    const { id } = await t.say('About gardens');
    await t.say('About weather');
    assert.equal((await t.chats.rename(id, '  Trees\n of Japan ')).problem, '');
    assert.deepEqual(
      (await t.chats.list('japan')).conversations.map(({ title }) => title),
      ['Trees of Japan'],
    );
    assert.deepEqual(
      (await t.chats.list('gardens said')).conversations.map((one) => one.id),
      [id],
    );
    assert.match(
      await t.chats.export(id),
      /^# Trees of Japan\n\n## You\n\nAbout gardens\n\n## Niwaki\n\nYou said: About gardens\n$/,
    );
    assert.equal((await t.chats.delete(id)).problem, '');
    assert.equal((await t.chats.list('')).conversations.length, 1);
    assert.match((await t.chats.rename(id, 'x')).problem, /deleted/);
    assert.equal(await t.chats.export(id), '');
  });

  it('keeps what another window says while an answer is written here', async () => {
    begin({ answer: () => 'here '.repeat(60), decodeMsPerToken: 3 });
    const { conversation } = await send(t, 'one');
    await sleep(30);
    const other = t.again({ answer: () => 'there', decodeMsPerToken: 0 });
    const seen = await other.chats.open(conversation);
    assert.ok(seen);
    await send(other, 'two', { conversation, after: last(seen).id });
    await other.idle(conversation);
    const mine = await t.idle(conversation);
    assert.deepEqual(texts(mine), ['one', 'here '.repeat(60), 'two', 'there']);
    assert.deepEqual(
      mine.shown.map(({ state }) => state),
      ['done', 'done', 'done', 'done'],
    );
  });

  it('writes nothing of a conversation that another window has deleted', async () => {
    begin({ answer: () => 'here '.repeat(60), decodeMsPerToken: 3 });
    const { conversation } = await send(t, 'one');
    await sleep(30);
    await t.again().chats.delete(conversation);
    while (!t.events.some((event) => event.kind === 'deleted')) {
      await sleep(5);
    }
    assert.deepEqual((await t.again().chats.list('')).conversations, []);
  });

  it('deletes a conversation that a message is on its way to', async () => {
    begin({ answer: () => 'x '.repeat(60), decodeMsPerToken: 3 });
    const first = await t.say('one');
    const sending = send(t, 'two', { conversation: first.id, after: last(first).id });
    assert.equal((await t.chats.delete(first.id)).problem, '');
    await sending;
    await sleep(50);
    assert.equal(t.engine.jobsInFlight, 0);
    assert.deepEqual((await t.chats.list('')).conversations, []);
  });

  it('says which conversations it does not show', async () => {
    begin({ answer: echo });
    const { id } = await t.say('one');
    const path = join(t.folder, 'w', `${id}.json`);
    const kept = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...kept, version: 99 }));
    const { conversations, notes } = await t.again().chats.list('');
    assert.equal(conversations.length, 0);
    assert.match(notes[0] ?? '', /newer version/);
  });
});
