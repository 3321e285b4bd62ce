import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScriptedEngine, type ModelInfo, type ScriptedOptions } from '../../../server/src/engine';
import {
  automaticChoice,
  decide,
  FindingStore,
  ModelHost,
  snippets,
  StrategyProbe,
} from '../../../server/src/models';
import type { StrategyKind } from '../../../server/src/prompt';
import { sleep } from '../../../server/src/util/sleep';

const never = new AbortController().signal;
const fingerprint = 'cd'.repeat(16);
const user = { ...automaticChoice, path: '/m/mine.gguf' };
const chatTemplate =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n" +
  '{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}';

/** Which way a prompt is asked in, as the model sees it. */
function kindOf(prompt: string): StrategyKind {
  if (prompt.includes('<|im_start|>assistant')) {
    return 'chat';
  }
  const [suffix, prefix] = [prompt.indexOf('<|fim_suffix|>'), prompt.indexOf('<|fim_prefix|>')];
  if (suffix < 0) {
    return 'prefixOnly';
  }
  return suffix === prefix + '<|fim_prefix|>'.length ? 'suffixFirst' : 'prefixFirst';
}

async function until(what: string, met: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !met(); i += 1) {
    await sleep(5);
  }
  assert.ok(met(), what);
}

describe('models: how a model is asked', function () {
  this.timeout(20_000);
  let folder: string;
  let said: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki probe é-'));
    said = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  interface Stage {
    readonly engine: ScriptedEngine;
    readonly host: ModelHost;
    allowed: boolean;
    asked: number;
  }

  /** A model that does well when it is asked in one way, and badly in all others. */
  function stage(
    able: StrategyKind | undefined,
    options: ScriptedOptions & { info?: Partial<ModelInfo>; idleMs?: number } = {},
  ): Stage {
    const metadata = { 'tokenizer.chat_template': chatTemplate };
    const engine = new ScriptedEngine({
      logprob: ({ text }) => (kindOf(text) === able ? -0.1 : -2),
      ...options,
      info: { fingerprint, metadata, ...options.info },
    });
    const note = (message: string): void => void said.push(message);
    const log = { info: note, warn: note, error: note };
    const result: Stage = {
      engine,
      allowed: true,
      asked: 0,
      host: new ModelHost({
        engine,
        embeddedPath: '/e.gguf',
        log,
        probe: new StrategyProbe({
          engine,
          log,
          store: new FindingStore(join(folder, 'strategy')),
          idleMs: options.idleMs ?? 10,
          mayWork: () => {
            result.asked += 1;
            return Promise.resolve(result.allowed);
          },
        }),
      }),
    };
    return result;
  }
  const file = (): string => join(folder, 'strategy', `${fingerprint}.json`);
  const kind = ({ host }: Stage): StrategyKind | undefined => host.model?.profile.strategy;
  const reason = ({ host }: Stage): string => host.model?.profile.strategyReason ?? '';
  const tried = (scene: Stage): Promise<void> =>
    until('tried', () => scene.host.model?.profile.strategyReason.startsWith('Tried') === true);

  for (const able of ['suffixFirst', 'prefixFirst', 'prefixOnly', 'chat'] as const) {
    it(`finds out that a model answers ${able}, keeps that, and finds it again`, async () => {
      const scene = stage(able);
      let changes = 0;
      await scene.host.load(user);
      assert.equal(kind(scene), 'prefixOnly', 'before it has been tried');
      assert.match(reason(scene), /has not been tried yet/);
      scene.host.changes.add(() => {
        changes += 1;
      });
      await tried(scene);
      assert.equal(kind(scene), able);
      assert.ok(changes > 0, 'told');
      await until('kept', () => existsSync(file()));
      if (process.platform !== 'win32') {
        assert.equal(statSync(file()).mode & 0o777, 0o600);
      }
      assert.ok(!/total|price|basket/.test(readFileSync(file(), 'utf8')), 'numbers alone');
      const runs = scene.engine.runs.length;
      assert.equal(runs, 4 * snippets.length);
      assert.ok(scene.engine.runs.every(({ request }) => request.priority === 3), 'in the background');
      const again = stage(undefined);
      await again.host.load(user);
      assert.equal(kind(again), able, 'at once');
      assert.equal(reason(again), reason(scene));
      await sleep(40);
      assert.equal(again.engine.runs.length + again.asked, 0);
    });
  }

  it('stays with the prefix alone where no way is better', async () => {
    const scene = stage(undefined);
    await scene.host.load(user);
    await tried(scene);
    assert.equal(kind(scene), 'prefixOnly');
  });

  it('does not try a model whose file names its form, nor one that has no choice', async () => {
    const named = stage('chat', { info: { metadata: { 'fim.template.psm': '<|fim_prefix|>{prefix}<|fim_middle|>' } } });
    await named.host.load(user);
    assert.equal(kind(named), 'prefixFirst');
    assert.match(reason(named), /file names it \(fim\.template\.psm\)/);
    const poor = stage(undefined, { info: { metadata: {} } });
    poor.engine.findToken = () => Promise.resolve(-1);
    await poor.host.load(user);
    assert.equal(kind(poor), 'prefixOnly');
    assert.match(reason(poor), /can do nothing else/);
    await sleep(60);
    assert.equal(named.asked + poor.asked, 0);
  });

  it('does what the setting says, at once, and says why when it cannot', async () => {
    const scene = stage('suffixFirst');
    scene.host.setStrategy('chat');
    await scene.host.load(user);
    assert.equal(kind(scene), 'chat');
    assert.match(reason(scene), /setting/);
    scene.host.setStrategy('prefixFirst');
    assert.equal(kind(scene), 'prefixFirst');
    scene.host.setStrategy('auto');
    await tried(scene);
    assert.equal(kind(scene), 'suffixFirst');
    const without = stage('suffixFirst', { info: { metadata: {}, fingerprint: 'ef'.repeat(16) } });
    without.host.setStrategy('chat');
    await without.host.load(user);
    assert.equal(kind(without), 'prefixOnly');
    assert.match(reason(without), /asks for chat, but its file carries no chat template\./);
  });

  it('says what is wrong with a chat template that cannot be used', async () => {
    const metadata = { 'tokenizer.chat_template': '{% for x in range(100000) %}{% for y in range(100000) %}{% endfor %}{% endfor %}' };
    const scene = stage('prefixOnly', { info: { metadata } });
    scene.host.setStrategy('chat');
    assert.equal(await scene.host.load(user), '');
    assert.match(reason(scene), /does not come to an end/);
  });

  it('ends chat answers with the end of the turn, which is banned elsewhere', async () => {
    const scene = stage('chat');
    await scene.host.load(user);
    const end = await scene.engine.findToken(scene.host.model?.handle ?? 0, '<|im_end|>');
    const tokens = (): readonly [boolean, boolean] => {
      const { banned, stopTokens } = scene.host.model?.profile ?? assert.fail('no model');
      return [banned.includes(end), stopTokens.includes(end)];
    };
    assert.deepEqual(tokens(), [true, false]);
    await tried(scene);
    assert.deepEqual(tokens(), [false, true]);
  });

  it('waits where the machine is to be spared, until the model is used again', async () => {
    const scene = stage('chat');
    scene.allowed = false;
    await scene.host.load(user);
    await until('asked', () => scene.asked === 1);
    await sleep(50);
    assert.equal(scene.asked, 1);
    scene.allowed = true;
    await scene.host.use(never, () => Promise.resolve());
    await tried(scene);
  });

  it('goes on where it was when its model went in the middle of it', async () => {
    const scene = stage('chat', { prefillMsPerToken: 0.05 });
    await scene.host.load(user);
    await until('begun', () => scene.engine.runs.length >= 5);
    await scene.host.restart();
    await tried(scene);
    assert.equal(kind(scene), 'chat');
    const whole = scene.engine.runs.filter(({ outcome }) => !(outcome instanceof Error) && outcome.reason !== 'cancelled');
    assert.equal(whole.length, 4 * snippets.length, 'nothing was done twice');
  });

  it('tries the model that came in the place of another', async () => {
    const scene = stage('chat', { prefillMsPerToken: 0.2 });
    await scene.host.load({ ...user, path: '/m/first.gguf' });
    await until('begun', () => scene.engine.runs.length >= 1);
    await scene.host.load({ ...user, path: '/m/second.gguf' });
    await tried(scene);
    assert.equal(kind(scene), 'chat');
  });

  it('deletes what is damaged or of another version, and tries anew', async () => {
    const texts = ['{', '{"version":"0.0","scores":{}}', '{"version":"1.1","scores":{"chat":[1]}}', '[]'];
    for (const text of texts) {
      mkdirSync(join(folder, 'strategy'), { recursive: true });
      writeFileSync(file(), text);
      const scene = stage('suffixFirst');
      await scene.host.load(user);
      assert.ok(!existsSync(file()), text);
      await tried(scene);
      assert.equal(kind(scene), 'suffixFirst');
      await until('kept', () => existsSync(file()));
    }
  });

  it('works where nothing can be kept, and says so once', async () => {
    writeFileSync(join(folder, 'strategy'), 'a file where the folder should be');
    const scene = stage('suffixFirst');
    await scene.host.load(user);
    await tried(scene);
    await until('said', () => said.some((line) => line.includes('could not be kept')));
  });

  it('does not judge by snippets that have no room', async () => {
    const scene = stage('suffixFirst', { contextLength: 20 });
    await scene.host.load(user);
    await until('said', () => said.some((line) => line.includes('too little room')));
    assert.equal(kind(scene), 'prefixOnly');
    assert.equal(scene.engine.runs.length, 0);
  });

  it('refuses names that are no fingerprints', () => {
    assert.throws(() => new FindingStore(folder).pathOf('../../x'), /no model's fingerprint/);
  });
});

describe('models: deciding by a probe’s scores', () => {
  const flat = (score: number): number[] => Array.from({ length: 8 }, () => score);

  it('needs more than chance for anything but the prefix alone', () => {
    const noisy = [-0.2, -1.8, -0.1, -1.9, -0.5, -1.4, -0.3, -1.5]; // in the mean a little better than -1
    assert.equal(decide({ prefixOnly: flat(-1), suffixFirst: noisy })?.kind, 'prefixOnly');
    assert.equal(decide({ prefixOnly: flat(-1), suffixFirst: flat(-0.99) })?.kind, 'prefixOnly', 'no matter');
    assert.equal(decide({ prefixOnly: flat(-1), suffixFirst: flat(-0.9) })?.kind, 'suffixFirst');
  });

  it('takes what costs least of equals, and the better one of others', () => {
    const base = { prefixOnly: flat(-1) };
    assert.equal(decide({ ...base, suffixFirst: flat(-0.5), prefixFirst: flat(-0.49) })?.kind, 'suffixFirst');
    assert.equal(decide({ ...base, suffixFirst: flat(-0.5), prefixFirst: flat(-0.3) })?.kind, 'prefixFirst');
    assert.equal(decide({ ...base, chat: flat(-0.5) })?.kind, 'chat');
  });

  it('compares only what both were tried on, and nothing where that is too little', () => {
    const half = [-0.1, -0.1, -0.1, null, null, null, null, null];
    assert.equal(decide({ prefixOnly: flat(-1), chat: half })?.kind, 'prefixOnly');
    assert.equal(decide({ prefixOnly: half }), undefined);
    assert.equal(decide({}), undefined);
  });

  it('says the figures', () => {
    const finding = decide({ prefixOnly: flat(-1), chat: flat(-0.25) });
    assert.match(finding?.reason ?? '', /prefix only -1\.00, chat -0\.25\./);
  });
});
