/**
 * Proves in a child process that the addon loads and computes rightly on this machine, before the server loads it. A kernel
 * table that crashes, hangs or computes wrongly is passed over for the next weaker one. A bad build or an unforeseen CPU thus
 * costs some speed, or a clear message, but never the server. Results are kept as long as the process lives.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { searchFolders } from '../util/searchFolders';
import { EngineError, type EngineErrorCode, type KernelTableInfo } from './port';
import type { SelfTestMessage, SelfTestTask } from './selfTestProtocol';

export interface SelfTestOptions {
  readonly addonPath: string;
  /** The child's script; absent = the one of this build. */
  readonly childPath?: string;
  /** A child that has not answered by then counts as hanging. */
  readonly timeoutMs?: number;
}

export interface SelfTestFailure {
  readonly kernels: string;
  /** What happened, as a clause: "crashed (SIGILL)". */
  readonly what: string;
}

export interface SelfTestReport {
  /** The table that passed. */
  readonly kernels: string;
  readonly tables: readonly KernelTableInfo[];
  /** Better tables that did not. */
  readonly failures: readonly SelfTestFailure[];
  readonly ms: number;
}

/** No table works here. Carries what was found out, so that a person can be told why. */
export class SelfTestError extends EngineError {
  constructor(
    message: string,
    readonly tables: readonly KernelTableInfo[],
    readonly failures: readonly SelfTestFailure[],
  ) {
    super('unsupported', message);
  }
}

const defaultTimeoutMs = 10_000;

type Verdict =
  | { readonly kind: 'passed'; readonly kernels: string; readonly tables: readonly KernelTableInfo[] }
  /** `kernels` undefined: it failed before a table was chosen, so no other table can help. */
  | {
      readonly kind: 'failed';
      readonly kernels: string | undefined;
      readonly what: string;
      readonly code: EngineErrorCode;
      readonly tables: readonly KernelTableInfo[];
    }
  | { readonly kind: 'exhausted'; readonly tables: readonly KernelTableInfo[] };

/** dist/selfTestChild.js beside the bundle; when this runs from its sources, the source of the child. */
function findChild(): string {
  const source = join(__dirname, 'selfTestChild.ts');
  const candidates = [
    ...(__filename.endsWith('.ts') ? [source] : []),
    ...searchFolders(__dirname).flatMap((folder) => [
      join(folder, 'selfTestChild.js'),
      join(folder, 'dist', 'selfTestChild.js'),
    ]),
  ];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) {
    throw new EngineError('not_found', "Niwaki's selfTestChild.js is missing. Reinstall Niwaki.");
  }
  return found;
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with exit code ${String(code)}` : `crashed (${signal})`;
}

function runChild(task: SelfTestTask, options: SelfTestOptions): Promise<Verdict> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  return new Promise((resolve) => {
    let kernels: string | undefined;
    let tables: readonly KernelTableInfo[] = [];
    let stderr = '';
    let timer: NodeJS.Timeout | undefined = undefined;
    const settle = (verdict: Verdict): void => {
      clearTimeout(timer);
      resolve(verdict); // the first one counts
    };
    const fail = (what: string, code: EngineErrorCode = 'unsupported'): void => {
      settle({ kind: 'failed', kernels, what, code, tables });
    };

    let child: ChildProcess;
    try {
      const script = options.childPath ?? findChild();
      child = fork(script, [JSON.stringify(task)], {
        // A child in its sources needs the loader that this process has. Never the debugger's port, and otherwise nothing.
        execArgv: script.endsWith('.ts')
          ? process.execArgv.filter((argument) => !argument.startsWith('--inspect'))
          : [],
        // Inside desktop VS Code "node" is Electron's binary.
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
        // Nothing may reach the server's stdout: it can be the LSP stream.
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
    } catch (error) {
      fail(`could not be started: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    timer = setTimeout(() => {
      fail(`did not answer within ${String(timeoutMs / 1000)} s`);
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-500);
    });
    child.on('message', (message: SelfTestMessage) => {
      switch (message.kind) {
        case 'testing':
          kernels = message.kernels;
          tables = message.tables;
          break;
        case 'passed':
          settle({ kind: 'passed', kernels: kernels ?? '', tables });
          break;
        case 'failed':
          fail(message.message);
          break;
        case 'exhausted':
          settle({ kind: 'exhausted', tables: message.tables });
          break;
        case 'unloadable':
          fail(message.message, message.code);
          break;
      }
    });
    child.on('error', (error) => {
      fail(`could not be started: ${error.message}`);
    });
    child.on('close', (code, signal) => {
      const said = stderr.trim();
      fail(describeEnd(code, signal) + (said === '' ? '' : `: ${said}`));
    });
  });
}

function unusable(tables: readonly KernelTableInfo[], failures: readonly SelfTestFailure[]): SelfTestError {
  const what = failures.map((failure) => `${failure.kernels}: ${failure.what}`).join('; ');
  return new SelfTestError(
    what === ''
      ? `None of the engine's kernels may run here: NIWAKI_CPU is "${process.env['NIWAKI_CPU'] ?? ''}". Unset it, or set it to "generic".`
      : `None of the engine's kernels works on this machine (${what}). Please report this with your CPU's name.`,
    tables,
    failures,
  );
}

async function findWorkingTable(options: SelfTestOptions): Promise<SelfTestReport> {
  const start = performance.now();
  const failures: SelfTestFailure[] = [];
  for (;;) {
    const verdict = await runChild(
      { addonPath: options.addonPath, skip: failures.map((f) => f.kernels) },
      options,
    );
    if (verdict.kind === 'passed') {
      return { kernels: verdict.kernels, tables: verdict.tables, failures, ms: performance.now() - start };
    }
    if (verdict.kind === 'exhausted') {
      throw unusable(verdict.tables, failures);
    }
    if (verdict.kernels === undefined) {
      throw new EngineError(verdict.code, `Niwaki's engine could not be tried out: ${verdict.what}`);
    }
    if (failures.some((failure) => failure.kernels === verdict.kernels)) {
      throw unusable(verdict.tables, failures); // a child that does not heed `skip` would go on for ever
    }
    failures.push({ kernels: verdict.kernels, what: verdict.what });
  }
}

async function testTable(options: SelfTestOptions, kernels: string): Promise<SelfTestReport> {
  const start = performance.now();
  const verdict = await runChild({ addonPath: options.addonPath, kernels, skip: [] }, options);
  if (verdict.kind === 'passed') {
    return { kernels, tables: verdict.tables, failures: [], ms: performance.now() - start };
  }
  const what = verdict.kind === 'failed' ? verdict.what : 'not available';
  throw new EngineError(
    'unsupported',
    `The kernels "${kernels}" failed their self-test on this machine: ${what}. Leave the choice of kernels to Niwaki.`,
  );
}

const known = new Map<string, Promise<SelfTestReport>>();

/**
 * The best kernel table that works here or, with `kernels`, whether that one does. Rejects with `unsupported` when none works;
 * the message says what happened to each. A test that passed is not repeated; one that failed is, with the next load: it may have been
 * the machine's moment (no memory, no time) and not the table.
 */
export function selfTest(options: SelfTestOptions, kernels?: string): Promise<SelfTestReport> {
  const key = JSON.stringify([options.addonPath, options.childPath, kernels]);
  let report = known.get(key);
  if (report === undefined) {
    report = kernels === undefined ? findWorkingTable(options) : testTable(options, kernels);
    known.set(key, report);
    const forget = (): void => void known.delete(key);
    report.then(({ failures }) => {
      if (failures.length > 0) {
        forget();
      }
    }, forget);
  }
  return report;
}
