/** `niwaki kv-doctor`: what each KV codec costs the user's own model on the user's own text, in memory and in quality. */
import {
  calibrateKv,
  createNativeEngine,
  EngineError,
  kvCodecs,
  measureKv,
  type EnginePort,
  type KvCalibration,
  type KvCodec,
  type KvQuality,
  type ModelHandle,
  type ModelInfo,
  type TokenId,
} from '../engine';
import { bundledText } from '../models';
import { extensionRoot, readArguments, readCount, readText, UsageError } from './arguments';
import {
  advise,
  calibrationTable,
  carefulInWords,
  codecTable,
  layerTable,
  type CodecReport,
} from './kvReport';
import { fewestTokens, progressLine, tokensOf } from './kvShared';

const defaultTokens = 4096;
const small = 8192;
const large = 32768;
/** Careful layers are looked for unasked where that takes no longer. */
const shortWhileMs = 60_000;

/** Half precision beside itself: there is nothing to measure. */
function exactQuality(other: KvQuality): KvQuality {
  return {
    ...other,
    codec: 'f16',
    meanKl: 0,
    p999Kl: 0,
    maxKl: 0,
    top1: 1,
    top1Clear: 1,
    perplexity: other.perplexityF16,
    bytes: other.bytesF16,
  };
}

class Examination {
  constructor(
    private readonly engine: EnginePort,
    private readonly model: ModelHandle,
    private readonly info: ModelInfo,
    private readonly tokens: readonly TokenId[],
  ) {}

  async measure(codec: KvCodec, how = ''): Promise<KvQuality> {
    const progress = progressLine(`Measuring ${codec}${how}`);
    const { model, tokens } = this;
    try {
      return await measureKv(this.engine, { model, tokens, codec }, { onProgress: progress.show });
    } finally {
      progress.end();
    }
  }

  async report(codec: KvCodec, quality: KvQuality, careful: readonly number[] = []): Promise<CodecReport> {
    const [bytesAt8k = 0, bytesAt32k = 0] = await Promise.all(
      [small, large].map((tokens) => this.engine.kvBytesFor(this.info, codec, tokens, careful.length)),
    );
    const bytesPerToken = (bytesAt32k - bytesAt8k) / (large - small);
    const bits = (bytesPerToken * 16) / this.info.kvBytesPerToken;
    return { codec, careful, bits, bytesPerToken, bytesAt8k, bytesAt32k, quality };
  }

  /** Has the model learn from `tokens`, and says what came of it. Sessions go by it from then on. */
  async calibrate(tokens: readonly TokenId[], careful: boolean): Promise<KvCalibration> {
    const progress = progressLine(careful ? 'Looking for careful layers' : 'Calibrating');
    const { engine, model } = this;
    try {
      const request = { model, tokens, careful };
      const made = await calibrateKv(engine, request, { onProgress: progress.show });
      await engine.useKvCalibration(model, made.bytes);
      return made;
    } finally {
      progress.end();
    }
  }
}

function minutes(ms: number): string {
  return `${String(Math.ceil(ms / 60_000))} minutes`;
}

function howToBeCareful(path: string): string {
  return (
    `Careful layers: run "niwaki kv-calibrate ${path} --careful", with "--out FILE" for the editor, FILE being the one that its log ` +
    'names after the calibration. For small models the editor does it by itself.'
  );
}

export async function kvDoctor(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      tokens: { type: 'string' },
      threads: { type: 'string' },
      careful: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [path, textPath] = positionals;
  if (path === undefined || positionals.length > 2) {
    throw new UsageError('takes a GGUF file and, if you like, a text file.');
  }
  const most = readCount(values.tokens, '--tokens', defaultTokens);
  if (most < fewestTokens) {
    throw new UsageError(`--tokens takes ${String(fewestTokens)} or more: fewer say nothing.`);
  }
  const threads = values.threads === undefined ? 0 : readCount(values.threads, '--threads', 1, 256);
  const bundled = await bundledText(extensionRoot());
  const text = textPath === undefined ? bundled.measure : await readText(textPath);
  const engine = createNativeEngine();
  try {
    const { model, info } = await engine.load({ path, threads });
    if (!(await engine.kvFits(info, 'kv4'))) {
      throw new EngineError(
        'unsupported',
        `the heads of this model have ${String(info.headSize)} values, and a compressed KV cache needs 32, 64, 128 or 256. ` +
          'Use the codec f16, there is nothing to compare it with.',
      );
    }
    const name = textPath === undefined ? "Niwaki's own text" : `"${textPath}"`;
    const tokens = await tokensOf(engine, model, text, name, Math.min(most, info.contextLength));
    const examination = new Examination(engine, model, info, tokens);
    const started = performance.now();
    const norms = await examination.measure('kv4', ' before calibration');
    const msOfToken = (performance.now() - started) / tokens.length;
    // What is measured on is not what it is calibrated on.
    const ours = await tokensOf(engine, model, bundled.calibrate, "Niwaki's own text", info.contextLength);
    const { layers } = await examination.calibrate(ours, false);
    const coded: CodecReport[] = [];
    for (const codec of kvCodecs) {
      if (codec !== 'f16') {
        coded.push(await examination.report(codec, await examination.measure(codec)));
      }
    }
    // Whoever wants few tokens measured is in a hurry here, too.
    const searched = ours.slice(0, most);
    const searchMs = msOfToken * searched.length * (info.layers * 1.25 + 1);
    let careful: readonly number[] | undefined;
    if (values.careful || searchMs <= shortWhileMs) {
      ({ careful } = await examination.calibrate(searched, true));
      if (careful.length > 0) {
        const quality = await examination.measure('kv4', ' with careful layers');
        const at = coded.findIndex(({ codec }) => codec === 'kv4');
        coded.splice(at, 0, await examination.report('kv4', quality, careful)); // they go by size, the largest first
      }
    }
    const calibrated =
      coded.find((report) => report.codec === 'kv4' && report.careful.length === 0)?.quality ?? norms;
    const reports: [CodecReport, ...CodecReport[]] = [
      await examination.report('f16', exactQuality(norms)),
      ...coded,
    ];
    const advice = advise(reports);
    if (values.json) {
      return JSON.stringify(
        {
          model: { path, name: info.name, fingerprint: info.fingerprint, kernels: info.kernels },
          text: { path: textPath ?? '', tokens: tokens.length },
          calibrationTokens: ours.length,
          perplexityF16: norms.perplexityF16,
          codecs: reports,
          kv4ByNorms: norms,
          layers,
          ...(careful && { careful }),
          recommendation: advice,
        },
        null,
        2,
      );
    }
    return [
      `${info.name} on ${String(tokens.length)} tokens of ${name}, perplexity ${norms.perplexityF16.toFixed(2)} in half precision`,
      '',
      'Memory of the KV cache, and how far predictions are from those of half precision',
      ...codecTable(reports),
      '',
      `What calibrating brings (on ${String(ours.length)} tokens of Niwaki's own, none of them measured on)`,
      ...calibrationTable(calibrated, norms),
      '',
      "Keys, layer by layer: the mean's share of their energy, the loudest channel beside the median one, and the same scaled",
      ...layerTable(layers),
      '',
      careful === undefined
        ? `Careful layers were not looked for: that takes some ${minutes(searchMs)} (--careful).`
        : carefulInWords(careful, info.layers),
      '',
      `Recommendation: ${advice.codec}${advice.careful.length > 0 ? ' with careful layers' : ''}. ${advice.words}`,
      `To use it: set "niwaki.kv.codec" to "${advice.codec}" in the settings.`,
      ...(advice.careful.length > 0 ? [howToBeCareful(path)] : []),
    ].join('\n');
  } finally {
    await engine.dispose();
  }
}
