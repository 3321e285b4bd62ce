/** `niwaki tokenize`: how a model's tokenizer cuts a text. */
import { text as readAll } from 'node:stream/consumers';
import { createNativeEngine } from '../engine';
import { modelPath, readArguments, readText, UsageError } from './arguments';

export async function tokenize(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      file: { type: 'string' },
      special: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 1 || (positionals.length === 1 && values.file !== undefined)) {
    throw new UsageError('takes one text (quote it), or --file, or standard input.');
  }
  const text =
    positionals[0] ??
    (values.file === undefined ? await readAll(process.stdin) : await readText(values.file));
  const engine = createNativeEngine();
  try {
    const { model } = await engine.load({ path: modelPath(values.model) });
    const ids = await engine.tokenize(model, text, values.special);
    if (values.json) {
      const distinct = [...new Set(ids)];
      const texts = await Promise.all(distinct.map((id) => engine.detokenize(model, [id])));
      const pieceOf = new Map(distinct.map((id, i) => [id, texts[i] ?? '']));
      const pieces = ids.map((id) => pieceOf.get(id));
      return JSON.stringify({ ids, pieces }, null, 2);
    }
    return ids.join(' ');
  } finally {
    await engine.dispose();
  }
}
