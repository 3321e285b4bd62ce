import * as assert from 'node:assert/strict';
import { CrashPolicy } from '../../../client/src/crashPolicy';
import { isEnabled } from '../../../server/src/lsp/inlineCompletion';
import { promptPath } from '../../../server/src/lsp/paths';
import { defaultSettings, readSettings } from '../../../server/src/lsp/settings';
import { Throttle } from '../../../server/src/util/throttle';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('util: throttle', () => {
  it('acts at once, then seldom, and always once more at the end', async () => {
    let count = 0;
    const throttle = new Throttle(() => {
      count += 1;
    }, 30);
    for (let i = 0; i < 100; i += 1) {
      throttle.request();
    }
    assert.equal(count, 1);
    await wait(100);
    assert.equal(count, 2);
    throttle.dispose();
  });
});

describe('lsp: settings', () => {
  it('takes what makes sense and the default for the rest', () => {
    assert.deepEqual(readSettings(undefined), defaultSettings);
    assert.deepEqual(
      readSettings({
        modelPath: 5,
        threads: 'x',
        quiet: true,
        kvCodec: 'kv1',
        kvMemoryMB: -1,
        kvDiskMB: '500',
        completion: { maxTokens: -1, languages: [] },
        context: { enabled: 'no', exclude: '**' },
      }),
      defaultSettings,
    );
    const settings = readSettings({
      modelPath: '/a.gguf',
      threads: 3.7,
      kvCodec: 'kv43',
      kvMemoryMB: 512.5,
      kvDiskMB: 2048.9,
      unloadAfterMinutes: 1e9,
      quiet: 'onBattery',
      completion: {
        enabled: false,
        maxTokens: 1e9,
        languages: { c: false, d: 'no' },
        inComments: false,
        inStrings: 'no',
      },
      context: { enabled: false, exclude: ['**/out', 5] },
    });
    assert.deepEqual(settings, {
      modelPath: '/a.gguf',
      threads: 3,
      maxContextTokens: 0,
      kvCodec: 'kv43',
      kvMemoryMB: 512,
      kvDiskMB: 2048,
      unloadAfterMinutes: 10_080,
      quiet: 'onBattery',
      completion: {
        enabled: false,
        maxTokens: 512,
        languages: { c: false },
        eagerness: 'balanced',
        inComments: false,
        inStrings: true,
        strategy: 'auto',
      },
      context: { enabled: false, exclude: ['**/out'] },
    });
  });

  it('knows where completions are on', () => {
    const on = readSettings({ completion: { languages: { '*': true, markdown: false } } });
    assert.equal(isEnabled(on, 'typescript'), true);
    assert.equal(isEnabled(on, 'markdown'), false);
    assert.equal(isEnabled(readSettings({ completion: { languages: { '*': false, c: true } } }), 'c'), true);
    assert.equal(isEnabled(readSettings({ completion: { enabled: false } }), 'c'), false);
  });
});

describe('lsp: the path that the model is shown', () => {
  it('is relative to the innermost folder', () => {
    const folders = ['file:///w', 'file:///w/packages/a'];
    assert.equal(promptPath('file:///w/src/x.ts', folders), 'src/x.ts');
    assert.equal(promptPath('file:///w/packages/a/src/x.ts', folders), 'src/x.ts');
  });

  it('is the name of a file outside, and never encoded', () => {
    assert.equal(promptPath('file:///elsewhere/x.ts', ['file:///w']), 'x.ts');
    assert.equal(promptPath('file:///wide/x.ts', ['file:///w']), 'x.ts');
    assert.equal(promptPath('untitled:Untitled-1', []), 'Untitled-1');
    assert.equal(promptPath('file:///w/sp%20ace/%E6%9C%AC.ts', ['file:///w']), 'sp ace/本.ts');
    assert.equal(
      promptPath('file:///w/100%.ts', ['file:///w']),
      'file:///w/100%.ts'.slice('file:///w/'.length),
    );
  });
});

describe('client: crash policy', () => {
  it('starts the server again four times in three minutes, and then no more', () => {
    const policy = new CrashPolicy();
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((at) => policy.mayRestart(at * 1000)),
      [true, true, true, true, false],
    );
    assert.equal(policy.mayRestart(10 * 60_000), true);
    policy.reset();
    assert.equal(policy.mayRestart(10 * 60_000), true);
  });
});
