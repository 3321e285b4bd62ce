/**
 * The diagnostics bundle as text: what a maintainer needs to understand a fault, and nothing of the user's work. No source text, no
 * file names besides the model's own, and no folders.
 */
import type { ModelDetails, RenderedPrompt, ServerStatus } from '#protocol';
import { formatBytes } from './numbers';

/** Raised when the shape of the report changes, so that tools that read it can tell. */
export const diagnosticsVersion = 2;

export interface DiagnosticsInput {
  readonly extensionVersion: string;
  readonly vscodeVersion: string;
  readonly nodeVersion: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** '' = a local window; else the kind of remote. */
  readonly remote: string;
  readonly trusted: boolean;
  /** By key; only those that differ from the default. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly status: ServerStatus | undefined;
  readonly model: ModelDetails | null;
  readonly lastPrompt: RenderedPrompt | null;
  /** The latest last. */
  readonly problems: readonly string[];
}

/** What a path begins with: a URI's scheme, a drive, a share, the root, a home or a variable's folder. */
const root = String.raw`(?:[A-Za-z][A-Za-z0-9+.-]+:\/\/|[A-Za-z]:[\\/]|\\\\|(?:~|\$\{\w+\})[\\/]|(?<![\w.…)\]}])\/)`;
const quoted = new RegExp(String.raw`(["“])${root}[^"”\n]*[\\/]([^"”\n\\/]*)(["”])`, 'g');
const bare = new RegExp(String.raw`${root}[^"“”\n]*[\\/]([^\s"“”\\/]*)`, 'g');

/**
 * Folders are nobody's business: of every path only its last part stays. Names of folders may hold spaces and apostrophes, so a path
 * ends with its quotation mark, and one without is taken to go on to the last separator of its line: rather too much is hidden.
 */
export function withoutFolders(text: string): string {
  return text.replace(quoted, '$1…/$2$3').replace(bare, '…/$1');
}

/** The last part of something that is a path as a whole. */
function fileOf(path: string): string {
  return `…/${path.split(/[\\/]/).at(-1) ?? ''}`;
}

function cleaned(value: unknown): unknown {
  return typeof value === 'string' ? withoutFolders(value) : value;
}

export function diagnosticsReport(input: DiagnosticsInput): string {
  const { status, model, lastPrompt } = input;
  const report = {
    diagnosticsVersion,
    versions: { niwaki: input.extensionVersion, vscode: input.vscodeVersion, node: input.nodeVersion },
    machine: {
      platform: input.platform,
      cpu: input.cpu,
      cores: input.cores,
      memory: formatBytes(input.memoryBytes),
      remote: input.remote === '' ? 'none' : input.remote,
      trustedWorkspace: input.trusted,
    },
    settingsThatDiffer: Object.fromEntries(
      Object.entries(input.settings).map(([key, value]) => [key, cleaned(value)]),
    ),
    server:
      status === undefined
        ? 'not running'
        : {
            state: status.state,
            problem: withoutFolders(status.problem),
            kernels: status.kernels,
            threads: status.threads,
            tokensPerSecond: Math.round(status.tokensPerSecond),
            quiet: status.quiet,
            memory: {
              weights: formatBytes(status.memory.weights),
              kv: formatBytes(status.memory.kv),
              scratch: formatBytes(status.memory.scratch),
              process: formatBytes(status.memory.process),
            },
            counters: status.counters,
          },
    model: model && {
      name: model.name,
      file: fileOf(model.path),
      embedded: model.embedded,
      architecture: model.architecture,
      parameters: model.parameters,
      layers: model.layers,
      vocabulary: model.vocabSize,
      context: model.contextLength,
      contextUsed: model.kv.context,
      promptForm: model.fimForm,
      strategy: `${model.strategy}. ${withoutFolders(model.strategyReason)}`,
      memory: {
        file: formatBytes(model.fileBytes),
        weights: formatBytes(model.weightBytes),
        kvBudget: formatBytes(model.kv.budget),
        kvPerToken: formatBytes(model.kv.bytes / model.kv.context),
      },
      kv: { codec: model.kv.codec, calibration: model.kv.calibration, note: model.kv.note },
      kernelTables: model.kernelTables,
    },
    // Sizes and times only: the prompt is the user's text.
    lastCompletion: lastPrompt && {
      promptTokens: lastPrompt.tokens,
      reused: lastPrompt.reused,
      computed: lastPrompt.evaluated,
      promptMs: Math.round(lastPrompt.promptMs),
      prefillMs: Math.round(lastPrompt.prefillMs),
      decodeMs: Math.round(lastPrompt.decodeMs),
      suggestionLength: lastPrompt.suggestion.length,
    },
    lastProblems: input.problems.map(withoutFolders),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
