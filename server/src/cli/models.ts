/** `niwaki models`: what is imported, and importing, inspecting and removing models, without an editor. */
import { join, resolve } from 'node:path';
import { createNativeEngine, EngineError, type EnginePort } from '../engine';
import {
  CalibrationStore,
  contextOf,
  dataFolder,
  factsOf,
  fileProblem,
  fillInWords,
  FindingStore,
  formatsOf,
  memoryAt,
  ModelLibrary,
  readCatalogue,
  sizeInWords,
  type ModelEntry,
} from '../models';
import { silentLog, type Log } from '../util/log';
import { extensionRoot, readArguments, UsageError } from './arguments';
import { progressLine, readCodec } from './kvShared';

const complaints: Log = {
  ...silentLog,
  warn: (message) => {
    process.stderr.write(`${message}\n`);
  },
};

interface Tools {
  readonly engine: EnginePort;
  readonly library: ModelLibrary;
  readonly data: string;
  readonly json: boolean;
}

/** By its id, the beginning of it, its path or its name, where that is one model's alone. */
async function modelNamed({ library }: Tools, name: string): Promise<ModelEntry> {
  const all = await library.list();
  const found = all.filter(
    (entry) =>
      (name.length >= 4 && entry.id.startsWith(name)) ||
      [entry.name, entry.fileName, library.pathOf(entry)].includes(name),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) {
    const what = found.length > 1 ? 'several models are' : 'no imported model is';
    throw new EngineError('not_found', `${what} called "${name}"; "niwaki models list" shows their ids.`);
  }
  return first;
}

async function described({ library }: Tools, entry: ModelEntry) {
  const { match, entry: known } = await library.judgementOf(entry);
  return {
    ...entry,
    path: library.pathOf(entry),
    problem: await fileProblem(library.registry, entry),
    known: { match, name: known?.name ?? '', licence: known?.licence ?? '', notes: known?.notes ?? '' },
  };
}
type Described = Awaited<ReturnType<typeof described>>;

function knownInWords({ known }: Described): string {
  switch (known.match) {
    case 'exact':
      return `${known.name} (its SHA-256 is the known one)`;
    case 'claims':
      return `claims to be ${known.name}; nothing proves it`;
    case 'unknown':
      return 'not in the catalogue of known models';
  }
}

function line(model: Described): string {
  return [
    `${model.id}  ${model.name}, ${sizeInWords(model.bytes)}, ${model.kind}: ${knownInWords(model)}`,
    `                  ${model.path}`,
    ...(model.problem === '' ? [] : [`                  ${model.problem}`]),
  ].join('\n');
}

async function list(tools: Tools): Promise<string> {
  const { library, json } = tools;
  const models = await Promise.all((await library.list()).map((entry) => described(tools, entry)));
  if (json) {
    return JSON.stringify({ folder: library.folder, models, notes: library.notes }, null, 2);
  }
  return [
    ...(models.length === 0 ? [`No models are imported in ${library.folder}.`] : models.map(line)),
    ...library.notes,
  ].join('\n');
}

async function importModel(tools: Tools, path: string, reference: boolean): Promise<string> {
  const abort = new AbortController();
  const interrupt = (): void => {
    abort.abort();
  };
  process.once('SIGINT', interrupt);
  const progress = progressLine(reference ? 'Reading' : 'Copying');
  try {
    const { entry, already } = await tools.library.import(resolve(path), {
      kind: reference ? 'reference' : 'copy',
      signal: abort.signal,
      onProgress: (_, done, total) => {
        progress.show(total > 0 ? done / total : 1);
      },
    });
    const model = await described(tools, entry);
    progress.end();
    return tools.json
      ? JSON.stringify({ already, ...model }, null, 2)
      : `${already ? 'Was imported before: ' : ''}${line(model)}`;
  } finally {
    progress.end();
    process.removeListener('SIGINT', interrupt);
  }
}

async function inspectModel(tools: Tools, name: string, codec: string | undefined): Promise<string> {
  const { engine, data, json } = tools;
  const model = await described(tools, await modelNamed(tools, name));
  const summary = await engine.inspect(model.path);
  const contextLength = contextOf(summary);
  const memory =
    summary.problem === '' ? await memoryAt(engine, model.path, contextLength, readCodec(codec)) : [];
  const fillIn = await fillInWords(summary, new FindingStore(join(data, 'strategy')));
  const formats = formatsOf(summary);
  if (json) {
    return JSON.stringify(
      { ...model, refused: summary.problem, contextLength, formats, memory, fillIn },
      null,
      2,
    );
  }
  return [
    line(model),
    ...(summary.problem === '' ? [] : [`Niwaki cannot use it: ${summary.problem}`]),
    `Architecture: ${factsOf(model.path, summary).architecture}, context of ${String(contextLength)} tokens`,
    ...formats.map(
      ({ type, tensors, bytes }) => `  ${type.padEnd(8)} ${String(tensors)} tensors, ${sizeInWords(bytes)}`,
    ),
    fillIn,
    ...memory.map(
      ({ tokens, weights, kv, scratch, codec: used }) =>
        `Memory with ${String(tokens)} tokens: ${sizeInWords(weights + kv + scratch)} (KV cache ${used}: ${sizeInWords(kv)})`,
    ),
    `SHA-256: ${model.sha256}`,
    ...(model.known.licence === '' ? [] : [`Licence: ${model.known.licence}`]),
    ...(model.known.notes === '' ? [] : [model.known.notes]),
  ].join('\n');
}

async function remove(tools: Tools, name: string): Promise<string> {
  const { library, data, json } = tools;
  const entry = await modelNamed(tools, name);
  const path = library.pathOf(entry);
  const bytes = await library.remove(entry);
  const shared = (await library.list()).some((other) => other.fingerprint === entry.fingerprint);
  if (!shared) {
    await new CalibrationStore(join(data, 'kv')).remove(entry.fingerprint);
    await new FindingStore(join(data, 'strategy')).remove(entry.fingerprint);
  }
  if (json) {
    return JSON.stringify({ id: entry.id, path, kind: entry.kind, bytes }, null, 2);
  }
  return entry.kind === 'copy'
    ? `Deleted ${path} (${sizeInWords(bytes)}).`
    : `Forgot ${path}; the file itself is where it was.`;
}

export async function models(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      reference: { type: 'boolean', default: false },
      data: { type: 'string' },
      kv: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [action, name, ...more] = positionals;
  const takesName = action === 'import' || action === 'inspect' || action === 'remove';
  if ((action !== 'list' && !takesName) || takesName !== (name !== undefined) || more.length > 0) {
    throw new UsageError('takes "list", "import FILE", "inspect MODEL" or "remove MODEL".');
  }
  const engine = createNativeEngine();
  try {
    const data = dataFolder(values.data);
    const catalogue = () => readCatalogue(extensionRoot());
    const library = new ModelLibrary({ engine, log: complaints, folder: join(data, 'models'), catalogue });
    const tools: Tools = { engine, library, data, json: values.json };
    switch (action) {
      case 'import':
        return await importModel(tools, name ?? '', values.reference);
      case 'inspect':
        return await inspectModel(tools, name ?? '', values.kv);
      case 'remove':
        return await remove(tools, name ?? '');
      default:
        return await list(tools);
    }
  } finally {
    await engine.dispose();
  }
}
