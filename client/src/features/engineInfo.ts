/** "Show Engine Info": the model, the kernels, what has been computed. */
import type { ModelDetails, SavedContext, ServerStatus } from '#protocol';
import { commands, Disposable } from 'vscode';
import type { NiwakiContext } from '../context';
import { formatBytes, formatRate } from '../ui/numbers';

function modelSection(model: ModelDetails): string[] {
  return [
    '## Model',
    '',
    `- ${model.name}${model.embedded ? ' (built in)' : ''}`,
    `- File: ${model.path} (${formatBytes(model.fileBytes)})`,
    `- Licence: ${model.license === '' ? 'not stated in the file' : model.license}`,
    `- Architecture: ${model.architecture}, ${String(model.layers)} layers, ${(model.parameters / 1e6).toFixed(1)} million weights, vocabulary of ${String(model.vocabSize)}`,
    `- Context: ${model.kv.summary}`,
    `- The model's own context: ${String(model.contextLength)} tokens`,
    `- Form of the prompt: ${model.fimForm}`,
    `- How it is asked: ${model.strategy}. ${model.strategyReason}`,
    `- KV cache: ${formatBytes(model.kv.bytes / model.kv.context)} a token; ${model.kv.calibration}`,
    ...(model.kv.note === '' ? [] : [`- ${model.kv.note}`]),
    '',
    '## Kernels',
    '',
    `- In use: ${model.kernels}, ${String(model.threads)} threads`,
    ...model.kernelTables.map(
      (table) =>
        `- ${table.name}: needs ${table.needs}; ${table.supported ? (table.allowed ? 'usable' : 'ruled out by NIWAKI_CPU') : 'not supported by this machine'}`,
    ),
  ];
}

function memorySection({ memory, quiet }: ServerStatus, model: ModelDetails | null): string[] {
  return [
    '## Memory',
    '',
    `- Weights: ${formatBytes(memory.weights)}`,
    `- KV caches of all files: ${formatBytes(memory.kv)}${model === null ? '' : `, at most ${formatBytes(model.kv.budget)}`}`,
    `- Scratch: ${formatBytes(memory.scratch)}`,
    `- The whole server process, all of this included: ${formatBytes(memory.process)}`,
    `- Quiet mode: ${quiet ? 'on' : 'off'}`,
  ];
}

function jobsSection({ jobs }: ServerStatus): string[] {
  const lines = jobs.map(({ priority, running, paused, waiting }) => {
    const states = [
      [running, 'running'],
      [paused, 'paused'],
      [waiting, 'waiting'],
    ] as const;
    const said = states.filter(([count]) => count > 0).map(([count, state]) => `${String(count)} ${state}`);
    return `- ${priority}: ${said.join(', ')}`;
  });
  return ['## Jobs', '', ...(lines.length === 0 ? ['- none'] : lines)];
}

function diskSection({ folder, limitBytes, bytes, files }: SavedContext): string[] {
  const size = `${formatBytes(bytes)} in ${String(files)} files`;
  return [
    '## On disk',
    '',
    limitBytes === 0
      ? `- Saved context: none is saved (niwaki.kv.diskMB is 0)${files > 0 ? `, but there are ${size}` : ''}`
      : `- Saved context: ${size}, at most ${formatBytes(limitBytes)}`,
    ...(folder === '' ? [] : [`- Its folder: ${folder}`]),
  ];
}

function countersSection({ counters, ...status }: ServerStatus): string[] {
  return [
    '## Since the server started',
    '',
    `- Server process: ${String(status.pid)}`,
    `- Requests: ${String(counters.requests)}`,
    `- Runs of the engine: ${String(counters.runs)}`,
    `- Typed along: ${String(counters.typedAlong)}`,
    `- Cancelled: ${String(counters.cancelled)}`,
    `- Prompt tokens reused: ${String(counters.tokensReused)}`,
    `- Prompt tokens computed: ${String(counters.tokensEvaluated)}`,
    `- Prompt tokens computed in advance: ${String(counters.tokensWarmed)}`,
    `- Tokens written: ${String(counters.tokensDecoded)}`,
    `- Speed of the last completion: ${formatRate(status.tokensPerSecond)} tokens/s`,
  ];
}

function tokensSection({ kvTokens }: ServerStatus): string[] {
  const rows = Object.entries(kvTokens).filter(([, counts]) =>
    Object.values(counts).some((count) => count > 0),
  );
  return rows.length === 0
    ? []
    : [
        '## Prompt tokens since the model was loaded',
        '',
        '| who | reused | shared | from disk | moved | computed | evicted |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
        ...rows.map(
          ([who, { reused, shared, restored, shifted, computed, evicted }]) =>
            `| ${[who, reused, shared, restored, shifted, computed, evicted].map(String).join(' | ')} |`,
        ),
        '',
      ];
}

export function activate({ server, documents }: NiwakiContext): Disposable {
  return commands.registerCommand('niwaki.showEngineInfo', async () => {
    const [status, model, saved] = await Promise.all([
      server.fetchStatus(),
      server.modelDetails(),
      server.savedContext(),
    ]);
    const lines = [
      '# Niwaki engine',
      '',
      ...(status.problem === '' ? [] : [`**${status.problem}**`, '']),
      ...(model === null
        ? [
            status.state === 'asleep'
              ? 'The model is not in memory. It is loaded when you type.'
              : 'No model is loaded.',
          ]
        : modelSection(model)),
      '',
      ...memorySection(status, model),
      '',
      ...diskSection(saved),
      '',
      ...tokensSection(status),
      ...jobsSection(status),
      '',
      ...countersSection(status),
      '',
    ];
    await documents.show('engine-info.md', lines.join('\n'));
  });
}
