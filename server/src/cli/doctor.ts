/** `niwaki doctor`: what the engine finds on this machine, which kernels it uses and why not others. */
import { cpus, totalmem } from 'node:os';
import { createNativeEngine, type KernelTableInfo, type SelfTestReport } from '../engine';
import { automaticChoice, calibrationInWords, contextInWords, kvBudget, planKv } from '../models';
import { modelPath, readArguments, UsageError } from './arguments';
import { calibratorFor, readCodec } from './kvShared';

interface TableReport extends KernelTableInfo {
  /** 'in use', or why not. */
  readonly verdict: string;
}

function judge(table: KernelTableInfo, report: SelfTestReport): TableReport {
  const failure = report.failures.find((candidate) => candidate.kernels === table.name);
  const verdict =
    table.name === report.kernels
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
  try {
    const path = modelPath(values.model);
    const started = performance.now();
    const { model, info } = await engine.load({ path });
    const loadMs = performance.now() - started - (report?.ms ?? 0);
    const kv = await planKv(engine, info, { ...automaticChoice, kvCodec }, kvBudget(0));
    const calibrator = calibratorFor(engine, values.data);
    await calibrator.prepare({ handle: model, info, embedded: values.model === undefined, kv });
    const estimate = await engine.estimate({ path }, kv.context, kv.codec);
    const listed = await engine.kernelTables();
    const tables = report === undefined ? [] : listed.map((table) => judge(table, report as SelfTestReport));
    const result = {
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      threads: info.threads,
      memoryBytes: totalmem(),
      kv: { ...kv, calibration: calibrationInWords(kv, calibrator.source) },
      selfTestMs: report?.ms ?? 0,
      tables,
      model: { path, name: info.name, loadMs, estimate },
    };
    if (values.json) {
      return JSON.stringify(result, null, 2);
    }
    const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    return [
      `${result.platform}, Node ${result.node}, ${result.cpu}, ${String(result.threads)} threads, ${megabytes(result.memoryBytes)} of memory`,
      '',
      `Kernels (self-test in a process of its own: ${result.selfTestMs.toFixed(0)} ms)`,
      ...tables.map(
        (table) => `  ${table.name.padEnd(12)} ${table.verdict}\n${' '.repeat(15)}needs ${table.needs}`,
      ),
      '',
      `Model: ${info.name} (${path}), loaded in ${loadMs.toFixed(0)} ms`,
      `  weights ${megabytes(estimate.weights)}, working memory ${megabytes(estimate.scratch)}`,
      `  Context: ${contextInWords(kv)}; ${result.kv.calibration}`,
      ...(kv.note === '' ? [] : [`  ${kv.note}`]),
      `  KV caches of all files together take at most ${megabytes(kv.budget)}`,
    ].join('\n');
  } finally {
    await engine.dispose();
  }
}
