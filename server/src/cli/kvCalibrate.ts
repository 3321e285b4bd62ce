/** `niwaki kv-calibrate`: what a compressed KV cache goes by, made from a text and kept in a file. */
import { calibrateKv, createNativeEngine } from '../engine';
import { bundledText } from '../models';
import { writeWhole } from '../util/privateFolder';
import { extensionRoot, readArguments, readCount, readText, UsageError } from './arguments';
import { carefulInWords, layerTable } from './kvReport';
import { calibrationStore, progressLine, tokensOf } from './kvShared';

export async function kvCalibrate(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      data: { type: 'string' },
      threads: { type: 'string' },
      careful: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [path, textPath] = positionals;
  if (path === undefined || positionals.length > 2) {
    throw new UsageError('takes a GGUF file and, if you like, a text file.');
  }
  const threads = values.threads === undefined ? 0 : readCount(values.threads, '--threads', 1, 256);
  const text =
    textPath === undefined ? (await bundledText(extensionRoot())).calibrate : await readText(textPath);
  const engine = createNativeEngine();
  try {
    const { model, info } = await engine.load({ path, threads });
    const name = textPath === undefined ? "Niwaki's own text" : `"${textPath}"`;
    const tokens = await tokensOf(engine, model, text, name, info.contextLength);
    const passes = values.careful ? `, some ${String(2 * info.layers)} times` : '';
    const progress = progressLine(`Reading ${String(tokens.length)} tokens${passes}`);
    const request = { model, tokens, careful: values.careful };
    const { bytes, layers, careful } = await calibrateKv(engine, request, { onProgress: progress.show });
    progress.end();
    let written = values.out ?? '';
    if (values.out === undefined) {
      written = await calibrationStore(values.data).write(info.fingerprint, bytes);
    } else {
      await writeWhole(values.out, bytes, 0o666); // the user's own file, as the umask has it
    }
    const { fingerprint } = info;
    if (values.json) {
      const result = { model: info.name, fingerprint, tokens: tokens.length, written, layers, careful };
      return JSON.stringify(result, null, 2);
    }
    return [
      `${info.name}: calibrated on ${String(tokens.length)} tokens of ${name}`,
      '',
      ...layerTable(layers),
      '',
      ...(values.careful ? [carefulInWords(careful, info.layers), ''] : []),
      `Written to ${written}`,
    ].join('\n');
  } finally {
    await engine.dispose();
  }
}
