/** What an error says to the user. */
import { l10n } from 'vscode';

/** Of vscode-jsonrpc: what was asked of a process that has ended. */
const endedCodes = [-32097, -32096];

export function reasonOf(error: unknown): string {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown };
  if (typeof code === 'number' && endedCodes.includes(code)) {
    return l10n.t('Niwaki’s server has ended unexpectedly; it is started again.');
  }
  return error instanceof Error ? error.message : String(error);
}
