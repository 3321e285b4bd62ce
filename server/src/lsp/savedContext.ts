/** What is saved on disk of what models have read: how much it is, and how it is deleted. */
import {
  PurgeSavedContextRequest,
  SavedContextRequest,
  type SavedContext,
  type ServerSettings,
} from '#protocol';
import { basename } from 'node:path';
import type { Connection } from 'vscode-languageserver/node';
import type { SavedPagesPlace } from '../engine';
import type { KvPageFolders } from '../models';
import type { Log } from '../util/log';
import { folderOf } from './paths';

export interface SavedContextDeps {
  readonly connection: Connection;
  /** Undefined when the client has named no folder: then nothing is ever saved. */
  readonly folders: KvPageFolders | undefined;
  readonly settings: () => ServerSettings;
  readonly log: Log;
}

/** Null when it is no list of URIs, nor null. */
function workspacesOf(params: Partial<PurgeSavedContextRequest.Params> | undefined): {
  readonly workspaces: readonly string[] | null;
} | null {
  const workspaces: unknown = params?.workspaces; // whoever speaks the protocol may have sent anything
  if (workspaces === null) {
    return { workspaces };
  }
  const sound = Array.isArray(workspaces) && workspaces.every((uri) => typeof uri === 'string');
  return sound ? { workspaces } : null;
}

/** Where what is read of a document may be saved; undefined = nowhere. */
export function savedPlace(
  uri: string,
  workspaceFolders: readonly string[],
  folders: KvPageFolders | undefined,
  { kvDiskMB }: ServerSettings,
): SavedPagesPlace | undefined {
  return folders === undefined || kvDiskMB === 0
    ? undefined
    : {
        root: folders.root,
        folder: basename(folders.folderOf(folderOf(uri, workspaceFolders) ?? '')),
        bytes: kvDiskMB * 2 ** 20,
      };
}

/** Returns what is to be called when settings have come. */
export function registerSavedContext(deps: SavedContextDeps): () => void {
  const { connection, folders, settings, log } = deps;
  connection.onRequest(SavedContextRequest.type, async (): Promise<SavedContext> => {
    const size = (await folders?.size()) ?? { bytes: 0, files: 0 };
    return { folder: folders?.root ?? '', limitBytes: settings().kvDiskMB * 2 ** 20, ...size };
  });
  connection.onRequest(
    PurgeSavedContextRequest.type,
    async (
      params: Partial<PurgeSavedContextRequest.Params> | undefined,
    ): Promise<PurgeSavedContextRequest.Result> => {
      const wanted = workspacesOf(params);
      if (wanted === null) {
        const problem = `${PurgeSavedContextRequest.method} needs "workspaces": a list of URIs, or null for all.`;
        return { bytes: 0, problem };
      }
      return (await folders?.purge(wanted.workspaces)) ?? { bytes: 0, problem: '' };
    },
  );
  return () => {
    // Who switches saving off does not expect to find anything saved.
    if (settings().kvDiskMB === 0 && folders !== undefined) {
      void folders.purge(null).then(({ bytes, problem }) => {
        if (bytes > 0) {
          log.info(`Deleted ${(bytes / 2 ** 20).toFixed(1)} MiB of saved context: niwaki.kv.diskMB is 0.`);
        }
        if (problem !== '') {
          log.warn(problem);
        }
      });
    }
  };
}
