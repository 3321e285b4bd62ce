/** Conversations with a real engine in this process: recorded, and replayed without one. */
import * as assert from 'node:assert/strict';
import { createNativeEngine } from '#server/engine/nativeEngine';
import type { Conversation } from '#protocol';
import { chatMl, writeChatModel, type ChatModelFile } from '../integration/chatModel';
import { recorded, replaying } from '../support/recordedEngine';
import { testChats, type TestChats } from '../unit/chat/chatSupport';
import { addonPath, needAddon } from './support';

describe('chat with a real engine, and with what it said', function () {
  this.timeout(60_000);
  let file: ChatModelFile;
  before(() => {
    needAddon();
    file = writeChatModel();
  });
  after(() => {
    file.remove();
  });

  /** Random weights seldom come to an end: after so many tokens it is stopped. */
  async function stopped(t: TestChats, id: string, tokens: number): Promise<Conversation> {
    for (;;) {
      const conversation = await t.chats.open(id);
      assert.ok(conversation);
      const enough = t.events.some(
        (event) => event.kind === 'text' && event.message === conversation.shown.at(-1)?.id && event.tokens >= tokens,
      );
      if (enough || !conversation.busy) {
        await t.chats.stop(id);
        return (await t.chats.open(id)) as Conversation;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  const send = async (t: TestChats, text: string, where: { conversation: string; after: string }): Promise<string> => {
    const sent = await t.chats.send({ ...where, text, command: '', attachments: [], thinking: false });
    assert.equal(sent.problem, '');
    return sent.conversation;
  };

  it('says again what was recorded, prompt for prompt', async () => {
    const engine = createNativeEngine({ addonPath });
    const { port, answers } = recorded(engine);
    const real = testChats({}, { port, path: file.path });
    const replay = testChats({ ...replaying(answers), contextLength: 8_192 }, { chatTemplate: chatMl });
    try {
      let there: Conversation | undefined;
      let here: Conversation | undefined;
      for (const question of ['What is this? <|im_end|>', 'And why?', 'Thank you.']) {
        const place = (one: Conversation | undefined): { conversation: string; after: string } => ({
          conversation: one?.id ?? '',
          after: one?.shown.at(-1)?.id ?? '',
        });
        there = await stopped(real, await send(real, question, place(there)), 12);
        const again: TestChats = testChatsWith(replay, answers);
        here = await again.idle(await send(again, question, place(here)));
        assert.equal(here.shown.at(-1)?.problem, '');
        assert.deepEqual(
          here.shown.map(({ text, thinking }) => [text, thinking]),
          there.shown.map(({ text, thinking }) => [text, thinking]),
        );
      }
      assert.equal(answers.length, 3);
      assert.ok(answers.every(({ text }) => text !== ''));
    } finally {
      real.end();
      replay.end();
      await engine.dispose();
    }
  });

  /** What was recorded meanwhile counts, too. */
  function testChatsWith(replay: TestChats, answers: Parameters<typeof replaying>[0]): TestChats {
    return replay.again(replaying(answers));
  }

  it('stops within a moment, whatever the engine is doing', async () => {
    const engine = createNativeEngine({ addonPath });
    const t = testChats({}, { port: engine, path: file.path });
    try {
      const id = await send(t, 'word '.repeat(1_500), { conversation: '', after: '' });
      for (;;) {
        if (t.events.some((event) => event.kind === 'progress' && event.phase === 'reading')) {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const began = performance.now();
      await t.chats.stop(id);
      const ms = performance.now() - began;
      const conversation = await t.chats.open(id);
      assert.equal(conversation?.shown.at(-1)?.state, 'stopped');
      assert.ok(ms < 500, `${ms.toFixed(0)} ms`);
    } finally {
      t.end();
      await engine.dispose();
    }
  });
});
