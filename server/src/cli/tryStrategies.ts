/** `niwaki try-strategies`: how a model is best asked for the text at a cursor, tried as the editor would, figures and all. */
import { createNativeEngine } from '../engine';
import { decide, probeModel, snippets, strategiesOf, type ProbeScores } from '../models';
import { strategyKinds } from '../prompt';
import { readArguments, readCount, UsageError } from './arguments';

/** A row a snippet, a column a way. */
function table(scores: ProbeScores): string[] {
  const kinds = strategyKinds.filter((kind) => scores[kind] !== undefined);
  const row = (name: string, cells: readonly string[]): string =>
    [name.padEnd(20), ...cells.map((cell) => cell.padStart(12))].join('');
  const cell = (score: number | null | undefined): string =>
    typeof score === 'number' ? score.toFixed(2) : 'no room';
  return [
    row('', kinds),
    ...snippets.map(({ path }, i) =>
      row(
        path,
        kinds.map((kind) => cell(scores[kind]?.[i])),
      ),
    ),
  ];
}

export async function tryStrategies(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: { threads: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new UsageError('takes a GGUF file.');
  }
  const threads = values.threads === undefined ? 0 : readCount(values.threads, '--threads', 1, 256);
  const engine = createNativeEngine();
  try {
    const { model, info } = await engine.load({ path, threads });
    const { available, named, missing } = await strategiesOf(engine, model, info);
    const started = performance.now();
    const request = { engine, model, info, strategies: available, threads: info.threads };
    const scores = await probeModel(request, {}, new AbortController().signal);
    const seconds = (performance.now() - started) / 1000;
    const finding = decide(scores) ?? null;
    if (values.json) {
      const { name, fingerprint } = info;
      const header = named?.key ?? null;
      return JSON.stringify({ model: name, fingerprint, header, missing, scores, finding, seconds }, null, 2);
    }
    return [
      `${info.name}: natural logarithm of the probability of the right text, a character`,
      '',
      ...table(scores),
      '',
      ...Object.entries(missing).map(([kind, reason]) => `${kind} cannot be tried: ${reason}.`),
      finding === null
        ? 'Too few snippets have room in the model’s context to choose by them.'
        : `By these it would be asked ${finding.kind}. (${seconds.toFixed(1)} s)`,
      ...(named === undefined
        ? []
        : [`Its file names ${named.strategy.kind} (${named.key}), and that counts.`]),
    ].join('\n');
  } finally {
    await engine.dispose();
  }
}
