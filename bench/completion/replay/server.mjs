/** The real server, spoken to as the integration tests do. */
import { readFileSync } from 'node:fs';
import { require as requireTypeScript } from 'tsx/cjs/api';

const { LspClient, settings } = requireTypeScript('../../../test/integration/lspClient.ts', import.meta.url);

/** As the product's default settings are. */
const maxTokens = 64;

/**
 * A server that is ready, while `use` uses it.
 * @param {object} changes of the settings, `maxTokens` of completions among them
 * @param {(client: object) => Promise<T>} use
 * @template T
 */
export async function withServer({ maxTokens: tokens = maxTokens, ...changes }, use) {
  const staying = setInterval(() => undefined, 60_000); // a client of the tests does not keep its process alive
  const client = await LspClient.start({
    settings: {
      ...settings,
      ...changes,
      completion: { ...settings.completion, eagerness: 'balanced', maxTokens: tokens },
    },
  }).catch((error) => {
    clearInterval(staying);
    throw error;
  });
  const died = client.exited.then(({ code, signal }) => {
    throw new Error(`the server ended (${signal ?? code})`);
  });
  died.catch(() => undefined);
  try {
    const status = await client.ready();
    if (status.state === 'failed' || status.problem !== '') {
      throw new Error(status.problem);
    }
    return await Promise.race([use(client), died]);
  } finally {
    clearInterval(staying);
    await Promise.race([client.stop(), new Promise((resolve) => setTimeout(resolve, 5_000))]);
    client.child.kill('SIGKILL'); // does nothing to one that has ended
  }
}

/** Resident bytes of a process (Linux), else what the server says of itself. */
export async function residentBytes(client) {
  try {
    const status = readFileSync(`/proc/${client.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) * 1024;
  } catch {
    return (await client.status()).memory.process;
  }
}
