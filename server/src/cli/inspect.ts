/** `niwaki inspect`: what a GGUF file holds, and whether the engine can use it. */
import { createNativeEngine, type FileSummary } from '../engine';
import { readArguments, UsageError } from './arguments';
import { shownText } from '../util/shownText';

function byType(summary: FileSummary): string[] {
  const types = new Map<string, { tensors: number; bytes: number }>();
  for (const tensor of summary.tensors) {
    const sum = types.get(tensor.type) ?? { tensors: 0, bytes: 0 };
    types.set(tensor.type, { tensors: sum.tensors + 1, bytes: sum.bytes + tensor.bytes });
  }
  return [...types].map(
    ([type, sum]) =>
      `  ${type.padEnd(8)} ${String(sum.tensors).padStart(5)} tensors  ${String(sum.bytes)} bytes`,
  );
}

function describe(path: string, summary: FileSummary, tensors: boolean): string {
  return [
    `${path}: GGUF version ${String(summary.version)}, ${String(summary.fileBytes)} bytes`,
    summary.problem === ''
      ? 'Niwaki can use this model.'
      : `Niwaki cannot use this model: ${summary.problem}`,
    '',
    'Metadata',
    ...Object.entries(summary.metadata).map(
      ([key, value]) => `  ${shownText(key)} = ${shownText(JSON.stringify(value).slice(1, -1), 4000)}`,
    ),
    '',
    `Tensors (${String(summary.tensors.length)})`,
    ...byType(summary),
    ...(tensors
      ? [
          '',
          ...summary.tensors.map(
            (tensor) =>
              `  ${shownText(tensor.name).padEnd(32)} ${tensor.type.padEnd(8)} [${tensor.shape.join(', ')}]`,
          ),
        ]
      : []),
  ].join('\n');
}

export async function inspect(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: { tensors: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new UsageError('takes one GGUF file.');
  }
  const engine = createNativeEngine();
  try {
    const summary = await engine.inspect(path);
    return values.json ? JSON.stringify(summary, null, 2) : describe(path, summary, values.tensors);
  } finally {
    await engine.dispose();
  }
}
