import { strict as assert } from 'node:assert';
import type { Attachment, Conversation } from '#protocol';
import { EngineError } from '#server/engine/port';
import { echo, last, send, sleep, streamed, testChats, texts, type TestChats } from './chatSupport';

describe('chat/chats', () => {
  let t: TestChats;
  const begin = (...args: Parameters<typeof testChats>): TestChats => (t = testChats(...args));
  afterEach(() => {
    t.end();
  });

  /** A prompt is read first, and then answered: the runs that wrote something. */
  const answers = (): TestChats['engine']['runs'] =>
    t.engine.runs.filter(({ request }) => request.maxTokens > 0);

  it('answers, streams what it says, and keeps it', async () => {
    begin({ answer: echo, decodeMsPerToken: 3 });
    const conversation = await t.say('What is a niwaki?');
    assert.deepEqual(texts(conversation), ['What is a niwaki?', 'You said: What is a niwaki?']);
    assert.equal(conversation.title, 'What is a niwaki?');
    assert.equal(last(conversation).state, 'done');
    assert.equal(streamed(t.events), 'You said: What is a niwaki?');
    assert.ok(t.events.filter(({ kind }) => kind === 'text').length > 1, 'in more than one piece');
    assert.ok(conversation.context.tokens > 0);
    const phases = t.events.flatMap((event) => (event.kind === 'progress' ? [event.phase] : []));
    assert.deepEqual([...new Set(phases)], ['loading', 'waiting', 'reading']);
    const { conversations } = await t.again().chats.list('');
    assert.deepEqual(
      conversations.map(({ title, messages }) => [title, messages]),
      [['What is a niwaki?', 2]],
    );
  });

  it('evaluates only what is new in a second turn, nothing of the prefix when it answers again', async () => {
    begin({ answer: echo });
    const first = await t.say('one '.repeat(50));
    const second = await t.say('two', { conversation: first.id, after: last(first).id });
    const prompt = (i: number): number => answers()[i]?.request.tokens.length ?? 0;
    const figures = last(second).figures;
    assert.ok(figures);
    // The template shows no empty thought before an answer that is done: from there on the tokens are others.
    const emptyThought = 8;
    assert.ok(figures.evaluatedTokens <= prompt(1) - prompt(0) + emptyThought, JSON.stringify(figures));
    assert.ok(figures.reusedTokens >= prompt(0) - emptyThought);
    await t.chats.regenerate(second.id, last(second).id);
    const again = await t.idle(second.id);
    assert.equal(last(again).figures?.evaluatedTokens, 1); // the last one, for its logits
    assert.deepEqual(last(again).versions.length, 2);
  });

  it('keeps all before an edited message, and all that was said', async () => {
    begin({ answer: echo });
    const first = await t.say('one '.repeat(50));
    const second = await t.say('two', { conversation: first.id, after: last(first).id });
    const edited = await t.say('three', { conversation: first.id, after: last(first).id });
    assert.deepEqual(texts(edited).slice(2), ['three', 'You said: three']);
    const figures = last(edited).figures;
    assert.ok((figures?.evaluatedTokens ?? 99) < 20, JSON.stringify(figures));
    const question = edited.shown[2];
    assert.equal(question?.versions.length, 2);
    await t.chats.select(first.id, question.versions[0] ?? '');
    assert.deepEqual(texts((await t.chats.open(first.id)) as Conversation), texts(second));
    const beginning = await t.say('other', { conversation: first.id });
    assert.deepEqual(texts(beginning), ['other', 'You said: other']);
    assert.equal(beginning.title, first.title);
  });

  it('lets parallel conversations take over the beginning that they share', async () => {
    begin({ answer: echo, decodeMsPerToken: 1 });
    const ask = (text: string): Promise<Conversation> => t.say(text);
    const [a, b] = await Promise.all([ask('first'), ask('second')]);
    assert.notEqual(a.id, b.id);
    assert.deepEqual([last(a).text, last(b).text], ['You said: first', 'You said: second']);
    const [x = [], y = []] = answers().map(({ request }) => request.tokens);
    let same = 0;
    while (x[same] === y[same]) {
      same += 1;
    }
    assert.ok(same >= 128, `a page of the cache is the same: ${String(same)} tokens`);
  });

  it('stops at once, keeps what there is, and goes on with it', async () => {
    begin({ answer: () => 'word '.repeat(200), decodeMsPerToken: 2 });
    const { conversation: id } = await send(t, 'Talk');
    while (streamed(t.events).length < 20) {
      await sleep(2);
    }
    await t.chats.stop(id);
    assert.equal(t.engine.jobsInFlight, 0);
    const stopped = (await t.chats.open(id)) as Conversation;
    assert.equal(last(stopped).state, 'stopped');
    assert.ok(last(stopped).text.startsWith('word word'));
    assert.equal(streamed(t.events), last(stopped).text);
    const before = last(stopped).text;
    assert.equal((await t.chats.continue(id, last(stopped).id)).problem, '');
    const done = await t.idle(id);
    assert.ok(last(done).text.startsWith(before) && last(done).text.length > before.length);
    assert.equal(last(done).state, 'done');
    assert.match((await t.chats.continue(id, last(done).id)).problem, /complete/);
    assert.match(t.engine.runs.at(-1)?.prompt ?? '', new RegExp(`${before.trimEnd()}\\s*$`));
  });

  it('says what went wrong, keeps the question, and answers the next one with both', async () => {
    let fails = true;
    begin({
      answer: (prompt) => {
        if (fails) {
          throw new EngineError('internal', 'The engine has a cold.');
        }
        return echo(prompt);
      },
    });
    const failed = await t.say('first');
    assert.deepEqual([last(failed).state, last(failed).problem], ['failed', 'The engine has a cold.']);
    fails = false;
    const next = await t.say('second', { conversation: failed.id, after: last(failed).id });
    assert.equal(last(next).text, 'You said: first\n\nsecond');
    await t.chats.select(failed.id, last(failed).id);
    await t.chats.regenerate(failed.id, last(failed).id);
    assert.equal(last(await t.idle(failed.id)).text, 'You said: first');
  });

  it('thinks where it is asked to, apart from the answer, and forgets the thought in the next prompt', async () => {
    begin({ answer: () => '<think>\nHm, hm.\n</think>\n\nYes.' });
    const thought = await t.say('Is it?', { thinking: true });
    assert.deepEqual([last(thought).thinking.trim(), last(thought).text], ['Hm, hm.', 'Yes.']);
    await t.say('Sure?', { conversation: thought.id, after: last(thought).id });
    const prompt = t.engine.runs.at(-1)?.prompt ?? '';
    assert.ok(!prompt.includes('Hm, hm.') && prompt.includes('Yes.'), prompt);
  });

  it('refuses a model that was not made to talk, and says nothing with it', async () => {
    begin({ answer: () => 'babble' }, { chatTemplate: '' });
    assert.equal(t.model.state.state, 'none');
    const sent = await send(t, 'Hello');
    assert.match(sent.problem, /chat model/i);
    assert.deepEqual((await t.chats.list('')).conversations, []);
    assert.equal(t.engine.runs.length, 0);
  });

  it('says why a template cannot be used', async () => {
    begin({ answer: () => 'x' }, { chatTemplate: '{{ raise_exception("I never speak") }}' });
    const failed = await t.say('Hello');
    assert.equal(last(failed).state, 'failed');
    assert.match(last(failed).problem, /template/);
    assert.equal(t.model.state.state, 'failed');
  });

  it('summarises the oldest turns when they do not fit, and drops none in silence', async () => {
    const filler = 'alpha beta gamma delta '.repeat(40);
    begin({
      contextLength: 2048,
      answer: (prompt) =>
        prompt.text.includes('Summarise our conversation') ? 'A summary of what was said.' : 'Noted.',
    });
    let conversation = await t.say(`1 ${filler}`);
    for (let i = 2; i <= 9; i += 1) {
      conversation = await t.say(`${String(i)} ${filler}`, {
        conversation: conversation.id,
        after: last(conversation).id,
      });
      assert.equal(last(conversation).text, 'Noted.', last(conversation).problem);
    }
    assert.equal(conversation.shown.length, 18);
    assert.ok(conversation.context.summarised > 0);
    assert.equal(conversation.context.summary, 'A summary of what was said.');
    assert.ok(
      conversation.context.tokens <= conversation.context.budget + 300,
      JSON.stringify(conversation.context),
    );
    const answers = t.engine.runs.filter(({ prompt }) => !prompt.includes('Summarise our conversation'));
    const prompt = answers.at(-1)?.prompt ?? '';
    assert.ok(prompt.includes('A summary of what was said.'));
    // Each question is in the prompt, or in a prompt that asked for a summary.
    const summaries = t.engine.runs.filter((run) => run.prompt.includes('Summarise our conversation'));
    for (let i = 1; i <= 9; i += 1) {
      const marker = `${String(i)} alpha`;
      assert.ok(
        [prompt, ...summaries.map((run) => run.prompt)].some((text) => text.includes(marker)),
        marker,
      );
    }
    assert.ok(summaries.length < 8, 'not with every turn');
    assert.ok(t.events.some((event) => event.kind === 'progress' && event.phase === 'summarising'));
    const reopened = (await t.again().chats.open(conversation.id)) as Conversation;
    assert.equal(reopened.context.summary, 'A summary of what was said.');
  });

  it('says so when a message is larger than the context', async () => {
    begin({ contextLength: 1024, answer: echo });
    const failed = await t.say('word '.repeat(3000));
    assert.equal(last(failed).state, 'failed');
    assert.match(last(failed).problem, /Shorten it/);
  });

  it('does one thing at a time in a conversation', async () => {
    begin({ answer: () => 'word '.repeat(500), decodeMsPerToken: 2 });
    const { conversation: id } = await send(t, 'Talk');
    const open = (await t.chats.open(id)) as Conversation;
    const sent = await t.chats.send({
      ...{
        conversation: id,
        after: last(open).id,
        text: 'Me too',
        command: '',
        attachments: [],
        thinking: false,
      },
    });
    assert.match(sent.problem, /being written/);
    assert.match((await t.chats.regenerate(id, last(open).id)).problem, /being written/);
    assert.match((await t.chats.select(id, last(open).id)).problem, /being written/);
    await t.chats.delete(id);
    assert.equal(await t.chats.open(id), null);
    assert.equal(t.engine.jobsInFlight, 0);
    assert.ok(t.events.some((event) => event.kind === 'deleted'));
  });

  it('refuses what makes no sense', async () => {
    begin({ answer: echo });
    const { id, shown } = await t.say('Hello');
    const send = (changes: object): Promise<{ problem: string }> =>
      t.chats.send({
        ...{ conversation: id, after: '', text: 'x', command: '', attachments: [], thinking: false },
        ...changes,
      });
    assert.match((await send({ text: '  ' })).problem, /Write a message/);
    assert.match((await send({ after: 'm99' })).problem, /not there/);
    assert.match((await send({ after: shown[0]?.id ?? '' })).problem, /not there/);
    assert.match((await send({ conversation: 'f'.repeat(16) })).problem, /no such conversation/);
    assert.match((await send({ conversation: '../../etc' })).problem, /no such conversation/);
    assert.notEqual((await t.chats.regenerate(id, shown[0]?.id ?? '')).problem, '');
  });

  it('reads ahead what the next prompt begins with, so that only the question is left', async () => {
    begin({ answer: echo, prefillMsPerToken: 0 }, { ahead: true });
    const first = await t.say('one '.repeat(30));
    while (t.engine.runs.length < 3 || t.engine.jobsInFlight > 0) {
      await sleep(2);
    }
    const ahead = t.engine.runs[2]?.request;
    assert.equal(ahead?.maxTokens, 0);
    const second = await t.say('two', { conversation: first.id, after: last(first).id });
    const figures = last(second).figures;
    assert.ok((figures?.reusedTokens ?? 0) >= ahead.tokens.length - 1, JSON.stringify(figures));
  });

  it('answers in many conversations at once: none takes away what another is using', async () => {
    begin({ answer: echo, decodeMsPerToken: 2, prefillMsPerToken: 0.2 });
    const all = await Promise.all(Array.from({ length: 7 }, (_, i) => send(t, `question ${String(i)}`)));
    for (const [i, { conversation }] of all.entries()) {
      const { state, text } = last(await t.idle(conversation));
      assert.deepEqual([state, text], ['done', `You said: question ${String(i)}`]);
    }
  });

  it('fits what is attached when it is asked again, where the first answer was stopped before anything was counted', async () => {
    begin({ answer: () => 'ok', loadMs: 200 });
    const lines = Array.from({ length: 4_000 }, (_, i) => `+line ${String(i)}`).join('\n');
    const text = `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n${lines}`;
    const { conversation } = await send(t, 'what?', { attachments: [{ kind: 'changes', uri: '', text }] });
    await t.chats.stop(conversation);
    const stopped = await t.idle(conversation);
    await t.chats.regenerate(conversation, last(stopped).id);
    const again = await t.idle(conversation);
    assert.equal(last(again).state, 'done', last(again).problem);
    assert.equal(again.shown[0]?.attachments[0]?.shown, 'part');
  });

  it('says why an answer ended that nobody stopped', async () => {
    for (const slow of [{ decodeMsPerToken: 5 }, { prefillMsPerToken: 2 }]) {
      begin({ answer: () => 'x '.repeat(200), ...slow });
      const { conversation } = await send(t, 'one');
      await sleep(150);
      await t.engine.unload(1);
      assert.match(last(await t.idle(conversation)).problem, /unloaded/);
      t.end();
    }
  });

  it('cuts titles between characters', async () => {
    begin({ answer: echo });
    assert.doesNotMatch((await t.say(`${'a'.repeat(58)}😀😀`)).title, /\p{Surrogate}/u);
  });

  it('asks nothing about what is not shown', async () => {
    begin({ answer: echo });
    const attachments: Attachment[] = [{ kind: 'file', uri: 'file:///w/.env' }];
    const about = { conversation: '', after: '', text: '', attachments, thinking: false } as const;
    assert.match((await t.chats.send({ ...about, command: 'explain' })).problem, /\.env: .*secrets/);
    assert.match((await t.chats.send({ ...about, command: 'fix', attachments: [] })).problem, /Attach/);
    assert.equal(t.engine.runs.length, 0);
  });

  it('cuts what is attached to what is left beside the message and a summary', async () => {
    begin({ answer: () => 'ok', contextLength: 2_048 });
    const first = await t.say('one '.repeat(200));
    const text = Array.from({ length: 900 }, (_, i) => `a.ts:${String(i)}:1: error: bad`).join('\n');
    const second = await t.say('two '.repeat(400), {
      ...{ conversation: first.id, after: last(first).id },
      attachments: [{ kind: 'problems', uri: '', text }],
    });
    assert.equal(last(second).state, 'done', last(second).problem);
    assert.equal(second.shown.at(-2)?.attachments[0]?.shown, 'part');
  });

  it('goes on behind a message that was too long', async () => {
    begin({ answer: () => 'ok', contextLength: 2_048 });
    const first = await t.say('word '.repeat(3_000));
    assert.match(last(first).problem, /Shorten it/);
    const second = await t.say('short', { conversation: first.id, after: last(first).id });
    assert.equal(last(second).state, 'done', last(second).problem);
  });
});
