/** "Collect Diagnostics": opens the report in an editor, so that the user sees it before it is saved or sent anywhere. */
import { cpus, totalmem } from 'node:os';
import { commands, Disposable, env, version, workspace } from 'vscode';
import type { NiwakiContext } from '../context';
import { diagnosticsReport } from '../ui/diagnosticsReport';

const mostProblems = 20;

/** What a server that hangs does not answer in this time is left out of the report. */
const patienceMs = 3000;

export function withinTime<T>(answer: Promise<T>, ms = patienceMs): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      resolve(null);
    }, ms);
  });
  return Promise.race([answer, timeUp]).finally(() => {
    clearTimeout(timer);
  });
}

export function activate({ extension, server, config, documents }: NiwakiContext): Disposable {
  const problems: string[] = [];
  const note = (problem: string): void => {
    if (problem !== '' && problems.at(-1) !== problem) {
      problems.push(problem);
      problems.splice(0, problems.length - mostProblems);
    }
  };
  let running = false;
  const watching = server.onStatus((status) => {
    if (status === undefined && running) {
      note('The server ended.');
    }
    running = status !== undefined;
    note(status?.problem ?? '');
  });
  const command = commands.registerCommand('niwaki.collectDiagnostics', async () => {
    // A server that does not answer is what a report may be about.
    const quietly = <T>(ask: () => Promise<T>): Promise<T | null> =>
      server.notNeeded ? Promise.resolve(null) : withinTime(ask()).catch(() => null);
    const [status, model, lastPrompt] = await Promise.all([
      quietly(() => server.fetchStatus()),
      quietly(() => server.modelDetails()),
      quietly(() => server.lastPrompt()),
    ]);
    const manifest = extension.extension.packageJSON as { version: string };
    const report = diagnosticsReport({
      extensionVersion: manifest.version,
      vscodeVersion: version,
      nodeVersion: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      remote: env.remoteName ?? '',
      trusted: workspace.isTrusted,
      settings: config.changedSettings(),
      status: status ?? undefined,
      model,
      lastPrompt,
      problems,
    });
    await documents.show('diagnostics.json', report);
  });
  return Disposable.from(watching, command);
}
