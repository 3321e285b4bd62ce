/** `niwaki doctor`: what the engine finds on this machine, which kernels it uses and why not others. */
import { cpus, totalmem } from 'node:os';
import {
  createNativeEngine,
  SelfTestError,
  type EnginePort,
  type KernelTableInfo,
  type SelfTestReport,
} from '../engine';
import {
  automaticChoice,
  calibrationInWords,
  contextInWords,
  kvBudget,
  planKv,
  type KvPlan,
} from '../models';
import { modelPath, readArguments, ReportedError, UsageError } from './arguments';
import { calibratorFor, readCodec } from './kvShared';

/** What is known of the kernels: all of a self-test's report, or less where none works. */
interface Tried extends Pick<SelfTestReport, 'tables' | 'failures'> {
  readonly kernels?: string;
  readonly ms?: number;
}

interface TableReport extends KernelTableInfo {
  /** 'in use', or why not. */
  readonly verdict: string;
}

interface ModelReport {
  readonly path: string;
  readonly name: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly estimate: Awaited<ReturnType<EnginePort['estimate']>>;
  readonly kv: KvPlan;
  readonly calibration: string;
}

function judge(table: KernelTableInfo, tried: Tried): TableReport {
  const failure = tried.failures.find((candidate) => candidate.kernels === table.name);
  const verdict =
    table.name === tried.kernels
      ? 'in use: the best that passed its self-test'
      : failure !== undefined
        ? `not used: ${failure.what}`
        : !table.supported
          ? 'not used: this CPU, or its operating system, lacks what it needs'
          : !table.allowed
            ? 'not used: ruled out by the environment variable NIWAKI_CPU'
            : table.name === 'oracle'
              ? 'a reference for tests, used only by name'
              : 'usable, but a better one is there';
  return { ...table, verdict };
}

function describe(tried: Tried, model: ModelReport | undefined, problem: string | undefined) {
  return {
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    ...(tried.ms !== undefined && { selfTestMs: tried.ms }),
    tables: tried.tables.map((table) => judge(table, tried)),
    ...(model && {
      threads: model.threads,
      kv: { ...model.kv, calibration: model.calibration },
      model: { path: model.path, name: model.name, loadMs: model.loadMs, estimate: model.estimate },
    }),
    ...(problem !== undefined && { problem }),
  };
}

function asText({ model, kv, tables, selfTestMs, threads, ...machine }: ReturnType<typeof describe>): string {
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const about = [
    ...[machine.platform, `Node ${machine.node}`, machine.cpu],
    ...(threads === undefined ? [] : [`${String(threads)} threads`]),
    `${megabytes(machine.memoryBytes)} of memory`,
  ];
  const tested =
    selfTestMs === undefined ? '' : ` (self-test in a process of its own: ${selfTestMs.toFixed(0)} ms)`;
  return [
    about.join(', '),
    '',
    `Kernels${tested}`,
    ...tables.map(
      (table) => `  ${table.name.padEnd(12)} ${table.verdict}\n${' '.repeat(15)}needs ${table.needs}`,
    ),
    ...(model === undefined || kv === undefined
      ? []
      : [
          '',
          `Model: ${model.name} (${model.path}), loaded in ${model.loadMs.toFixed(0)} ms`,
          `  weights ${megabytes(model.estimate.weights)}, working memory ${megabytes(model.estimate.scratch)}`,
          `  Context: ${contextInWords(kv)}; ${kv.calibration}`,
          ...(kv.note === '' ? [] : [`  ${kv.note}`]),
          `  KV caches of all files together take at most ${megabytes(kv.budget)}`,
        ]),
  ].join('\n');
}

export async function doctor(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      kv: { type: 'string' },
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 0) {
    throw new UsageError('takes no arguments besides its options.');
  }
  const kvCodec = readCodec(values.kv);
  let report: SelfTestReport | undefined;
  const engine = createNativeEngine({
    onSelfTest: (done) => {
      report = done;
    },
  });
  const shown = (tried: Tried, model?: ModelReport, problem?: string): string => {
    const result = describe(tried, model, problem);
    return values.json ? JSON.stringify(result, null, 2) : asText(result);
  };
  try {
    const path = modelPath(values.model);
    const started = performance.now();
    const { model, info } = await engine.load({ path });
    const loadMs = performance.now() - started - (report?.ms ?? 0);
    const settings = { ...automaticChoice, kvCodec };
    const budget = kvBudget(0);
    let kv = await planKv(engine, info, settings, budget);
    const calibrator = calibratorFor(engine, values.data);
    await calibrator.prepare({
      handle: model,
      info,
      embedded: values.model === undefined,
      kv,
      replan: async (carefulLayers) => {
        kv = await planKv(engine, info, settings, budget, carefulLayers);
      },
    });
    const estimate = await engine.estimate({ path }, kv.context, kv.codec);
    const tried = report ?? { tables: [], failures: [] };
    const calibration = calibrationInWords(kv, calibrator.source);
    return shown(tried, { path, name: info.name, threads: info.threads, loadMs, estimate, kv, calibration });
  } catch (error) {
    // What is wrong with the kernels or the model is what this command is for: what is known of the machine comes with it.
    const tried = error instanceof SelfTestError ? error : report;
    if (tried === undefined || !(error instanceof Error)) {
      throw error;
    }
    throw new ReportedError(error.message, shown(tried, undefined, error.message));
  } finally {
    await engine.dispose();
  }
}
