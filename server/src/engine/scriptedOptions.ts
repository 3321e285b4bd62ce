/** What the scripted engine is told, what it says of its model and kernels, and what it lets tests look at. */
import type { EngineError, GenerateRequest, GenerateResult, KernelTableInfo, ModelInfo } from './port';
import type { ScriptedKvOptions } from './scriptedKv';
import type { ScriptedTokenizer } from './scriptedTokenizer';

export interface ScriptedPrompt {
  /** The prompt's text, control tokens written out. */
  readonly text: string;
  readonly request: GenerateRequest;
}

export interface ScriptedOptions extends ScriptedKvOptions {
  /**
   * What the model says after the prompt, up to its end of text (`maxTokens` may cut it). Where the request has a
   * `requiredPrefix` that the answer does not begin with, the prefix is said first, as the real engine would be forced to.
   * An EngineError thrown here is what `generate` rejects with.
   */
  readonly answer?: (prompt: ScriptedPrompt) => string;
  /** The log probability of every token behind this prompt; -0.1 when absent. */
  readonly logprob?: (prompt: ScriptedPrompt) => number;
  readonly loadMs?: number;
  /** For each prompt token that is not cached. */
  readonly prefillMsPerToken?: number;
  readonly decodeMsPerToken?: number;
  /** Tokens; 2,048 when absent. */
  readonly contextLength?: number;
  readonly info?: Partial<ModelInfo>;
  /** `load` rejects with it. */
  readonly loadError?: EngineError;
}

/** A generate call that has ended, for tests to look at. */
export interface ScriptedRun {
  readonly prompt: string;
  readonly request: GenerateRequest;
  /** Or what `onEvent` or `answer` threw. */
  readonly outcome: GenerateResult | Error;
}

export const kvBytesPerToken = 4;
export const kernelTable: KernelTableInfo = {
  name: 'scripted',
  needs: 'nothing',
  supported: true,
  allowed: true,
};

export function scriptedInfo(
  path: string,
  contextLength: number,
  tokenizer: ScriptedTokenizer,
  changes: Partial<ModelInfo> = {},
): ModelInfo {
  return {
    path,
    name: 'Scripted',
    architecture: 'scripted',
    kernels: kernelTable.name,
    threads: 1,
    fileBytes: 0,
    parameters: 0,
    weightBytes: 0,
    scratchBytes: 0,
    contextLength,
    vocabSize: tokenizer.size,
    layers: 1,
    embeddingLength: 1,
    heads: 1,
    kvHeads: 1,
    headSize: 1,
    kvBytesPerToken,
    tiedHead: true,
    fingerprint: '0'.repeat(32),
    kvCalibration: 'norms',
    kvCarefulLayers: 0,
    eos: tokenizer.endOfText,
    bos: -1,
    metadata: { 'general.name': 'Scripted' },
    ...changes,
  };
}
