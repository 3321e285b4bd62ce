/** The child process of shapes.test.ts: loads one file, runs a step, and tells what that took. */
import { readFileSync } from 'node:fs';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import {
  Priority,
  type FileSummary,
  type GenerateResult,
  type MemoryEstimate,
  type ModelInfo,
} from '../../server/src/engine/port';

export interface ShapeReport {
  readonly info: ModelInfo;
  readonly problem: FileSummary['problem'];
  readonly estimate: MemoryEstimate;
  readonly result: GenerateResult;
  readonly logprobs: readonly number[];
  readonly loadMs: number;
  /** Resident bytes of this process. */
  readonly rssBefore: number;
  readonly rssAfter: number;
}

function residentBytes(): number {
  globalThis.gc?.(); // JavaScript's garbage is not the engine's
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

async function main(path: string, addonPath: string): Promise<ShapeReport> {
  const engine = createNativeEngine({ addonPath });
  const context = 128;
  const estimate = await engine.estimate({ path }, context);
  const { problem } = await engine.inspect(path);
  const rssBefore = residentBytes();
  const start = performance.now();
  const { model, info } = await engine.load({ path });
  const loadMs = performance.now() - start;
  const session = await engine.openSession(model, context);
  const logprobs: number[] = [];
  const result = await engine.generate(
    {
      session,
      job: 1,
      priority: Priority.keystroke,
      tokens: await engine.tokenize(model, 'function add(a, b) {\n  return', false),
      maxTokens: 2, // the second one takes a step of decoding
      sampling: { banned: [info.eos], logprobs: true },
    },
    (event) => {
      if (event.kind === 'token') {
        logprobs.push(event.logprob ?? NaN);
      }
    },
  );
  const rssAfter = residentBytes();
  await engine.dispose();
  // The metadata are long, and nobody asks for them.
  return { info: { ...info, metadata: {} }, problem, estimate, result, logprobs, loadMs, rssBefore, rssAfter };
}

const [path = '', addonPath = ''] = process.argv.slice(2);
main(path, addonPath).then(
  (report) => process.send?.({ report }),
  (error: unknown) => process.send?.({ error: String(error) }),
);
