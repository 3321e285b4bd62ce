/**
 * The child process of the self-test (its own bundle: dist/selfTestChild.js). It loads the addon and runs one kernel table's
 * checks, so that a crash, an illegal instruction or an endless loop ends this process and not the server.
 */
import { loadAddon } from './loadAddon';
import { EngineError, type KernelTableInfo } from './port';
import type { SelfTestMessage, SelfTestTask } from './selfTestProtocol';

/** Resolves when the message is on its way: what follows may crash. */
function say(message: SelfTestMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) {
      throw new Error("This is a part of Niwaki's language server and is not run by hand.");
    }
    process.send(message, undefined, undefined, () => {
      resolve();
    });
  });
}

function choose(tables: readonly KernelTableInfo[], task: SelfTestTask): string | undefined {
  if (task.kernels !== undefined) {
    return task.kernels;
  }
  // Best first. The reference table is for tests and never chosen by itself.
  return tables.find((t) => t.supported && t.allowed && t.name !== 'oracle' && !task.skip.includes(t.name))
    ?.name;
}

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as SelfTestTask;
  let binding;
  try {
    binding = loadAddon(task.addonPath);
  } catch (error) {
    const code = error instanceof EngineError ? error.code : 'unsupported';
    await say({ kind: 'unloadable', code, message: error instanceof Error ? error.message : String(error) });
    return;
  }
  const tables = binding.kernelTables();
  const kernels = choose(tables, task);
  if (kernels === undefined) {
    await say({ kind: 'exhausted', tables });
    return;
  }
  await say({ kind: 'testing', kernels, tables });
  try {
    binding.selfTest(kernels);
  } catch (error) {
    await say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  await say({ kind: 'passed' });
}

void main().finally(() => {
  process.disconnect();
});
