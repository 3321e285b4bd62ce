/** What is known of a model without loading it: its header, the catalogue, what was tried and measured before. */
import type { MemoryAtContext } from '#protocol';
import type { EnginePort, FileSummary, KvCodec } from '../../engine';
import { decide, type FindingStore } from '../probe';
import { headerNumber, namedForm } from './summary';

/** Tokens. */
const contexts = [8 * 1024, 32 * 1024];

/** At 8k and 32k tokens; where the model's own context is shorter, at that. */
export async function memoryAt(
  engine: EnginePort,
  path: string,
  contextLength: number,
  codec: KvCodec,
): Promise<readonly MemoryAtContext[]> {
  const sizes = [...new Set(contexts.map((tokens) => Math.min(tokens, contextLength || tokens)))];
  const at = async (tokens: number): Promise<MemoryAtContext> => {
    // Not every model's heads have a size that codecs take; then its cache is in half precision.
    const [used, estimate] = await engine.estimate({ path }, tokens, codec).then(
      (found) => [codec, found] as const,
      async () => ['f16', await engine.estimate({ path }, tokens)] as const,
    );
    const { weights, kv, scratch } = estimate;
    return { tokens, codec: used, weights, kv, scratch };
  };
  return Promise.all(sizes.map(at));
}

/** How a model fills in, as far as its header or an earlier trial says it. */
export async function fillInWords(summary: FileSummary, findings: FindingStore | undefined): Promise<string> {
  const named = namedForm(summary);
  if (named !== undefined) {
    return `Its file names a form for filling in: ${named.name} (${named.key}).`;
  }
  const scores =
    summary.fingerprint === '' ? undefined : await findings?.read(summary.fingerprint).catch(() => undefined);
  const finding = scores && decide(scores);
  if (finding !== undefined) {
    return `Asked ${finding.kind}. ${finding.reason}`;
  }
  return (
    'Not known yet: its file does not say. It is tried on a dozen snippets two seconds after its first use for completions, and until then ' +
    'it goes on with the text before the cursor.'
  );
}

export function contextOf(summary: FileSummary): number {
  return headerNumber(summary, 'context_length');
}

export function layersOf(summary: FileSummary): number {
  return headerNumber(summary, 'block_count');
}
