/** What the tests of the real engine share: the built addon, the embedded model, small ways to ask. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NativeBinding } from '../../server/src/engine/binding';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import {
  EngineError,
  Priority,
  type EnginePort,
  type GenerateEvent,
  type GenerateRequest,
  type GenerateResult,
  type ModelHandle,
  type ModelInfo,
  type SessionHandle,
  type TokenId,
} from '../../server/src/engine/port';

export const root = join(__dirname, '..', '..');
export const modelPath = join(root, 'models', 'nano.gguf');
export const addonPath = join(root, 'dist', 'native', `${process.platform}-${process.arch}`, 'niwaki.node');

/** To be called first in every suite here. */
export function needAddon(): void {
  if (!existsSync(addonPath)) {
    throw new Error(
      `The addon is not built. Run "node scripts/build-native.mjs" first (looked for ${addonPath}).`,
    );
  }
}

/** The addon without the port around it. */
export function loadBinding(): NativeBinding {
  needAddon();
  return createRequire(addonPath)(addonPath) as NativeBinding;
}

let lastJob = 0;
export function newJob(): number {
  lastJob += 1;
  return lastJob;
}

/** A port with the embedded model and one session. */
export class Bench {
  private constructor(
    readonly engine: EnginePort,
    readonly model: ModelHandle,
    readonly info: ModelInfo,
    readonly session: SessionHandle,
    /** Every token that ends a text, not only the one that the file calls so; and the other control tokens. */
    private readonly ends: readonly TokenId[],
  ) {}

  static async open(threads = 0): Promise<Bench> {
    needAddon();
    const engine = createNativeEngine({ addonPath });
    const { model, info } = await engine.load({ path: modelPath, threads });
    const ends = (await engine.specialTokens(model)).map(({ id }) => id);
    return new Bench(engine, model, info, await engine.openSession(model, 0), ends);
  }

  tokenize(text: string): Promise<readonly TokenId[]> {
    return this.engine.tokenize(this.model, text, false);
  }

  /** `count` tokens of varied source-like text that begins with `start`, so that different starts share no prefix. */
  async prompt(start: string, count: number): Promise<readonly TokenId[]> {
    const lines = Array.from(
      { length: count },
      (_, i) => `function ${start}${String(i)}(value) { return value * ${String(i)}; }`,
    );
    const tokens = await this.tokenize(`${start}\n${lines.join('\n')}`);
    assert.ok(tokens.length >= count);
    return tokens.slice(0, count);
  }

  /** Generates without ever reaching the end of text, so that `maxTokens` decides how long it takes. */
  generate(
    request: Partial<GenerateRequest> & Pick<GenerateRequest, 'tokens'>,
    onEvent: (event: GenerateEvent) => void = () => undefined,
  ): Promise<GenerateResult> {
    return this.engine.generate(
      {
        session: this.session,
        job: newJob(),
        priority: Priority.keystroke,
        maxTokens: 16,
        sampling: { banned: this.ends },
        ...request,
      },
      onEvent,
    );
  }
}

/** The code of the EngineError that `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof EngineError, `not an EngineError: ${String(error)}`);
    assert.ok(error.message.length > 10, 'an error says what is wrong');
    return error.code;
  }
  return 'no error';
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
