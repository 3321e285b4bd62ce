/** What a privacy report is made of, as far as the server knows it: what is kept on disk, and what exactly runs. */
import {
  BinariesRequest,
  PurgeStorageRequest,
  StorageRequest,
  type HashedFile,
  type StoredFiles,
} from '#protocol';
import { lstat, readdir } from 'node:fs/promises';
import { release } from 'node:os';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Connection } from 'vscode-languageserver/node';
import { dataFolder, hashOf, StoredFilesOf, type ModelHost } from '../models';

export interface PrivacyDeps {
  readonly connection: Connection;
  readonly host: ModelHost;
  /** Absolute. */
  readonly extensionPath: string;
  /** Undefined when the client has named no folder: then nothing is ever written. */
  readonly storagePath: string | undefined;
  /** Ends what is being written in conversations, and forgets them. */
  readonly endChats: () => Promise<void>;
}

const never = new AbortController().signal;

/** What runs or is read as code or as a model; maps and the like are neither. */
const programs = /\.(?:js|cjs|mjs|node|wasm|gguf|kvc)$/;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    }),
  );
  return found.flat();
}

async function hashed(path: string, extensionPath: string): Promise<HashedFile> {
  const inside = relative(extensionPath, path);
  const isOutside = inside.startsWith('..') || isAbsolute(inside);
  const name = isOutside ? path : inside.split(sep).join('/');
  const sha256 = await hashOf(path, never).catch(() => '');
  const bytes = (await lstat(path).catch(() => undefined))?.size ?? 0;
  return { path: name, bytes, sha256 };
}

async function binaries({ host, extensionPath }: PrivacyDeps): Promise<readonly HashedFile[]> {
  const shipped = (
    await Promise.all(['dist', 'models'].map((folder) => filesBelow(join(extensionPath, folder))))
  ).flat();
  const paths = new Set(shipped.filter((path) => programs.test(path)));
  if (host.model !== undefined) {
    paths.add(host.model.info.path);
  }
  const files: HashedFile[] = [];
  for (const path of [...paths].sort()) {
    files.push(await hashed(path, extensionPath)); // one by one: a disk has one head, and completions may be waiting
  }
  return files;
}

export function registerPrivacy(deps: PrivacyDeps): void {
  const { connection, storagePath } = deps;
  const stored =
    storagePath === undefined ? undefined : new StoredFilesOf(storagePath, dataFolder(undefined));
  connection.onRequest(
    StorageRequest.type,
    async (): Promise<readonly StoredFiles[]> => (await stored?.list()) ?? [],
  );
  connection.onRequest(
    PurgeStorageRequest.type,
    async (params: Partial<PurgeStorageRequest.Params> | undefined): Promise<PurgeStorageRequest.Result> => {
      const kind: unknown = params?.kind; // whoever speaks the protocol may have sent anything
      if (kind !== 'calibration' && kind !== 'strategy' && kind !== 'conversations') {
        const problem = `${PurgeStorageRequest.method} needs a "kind": "calibration", "strategy" or "conversations".`;
        return { bytes: 0, problem };
      }
      if (kind === 'conversations') {
        await deps.endChats(); // what is being written would be written anew
      }
      return (await stored?.purge(kind)) ?? { bytes: 0, problem: '' };
    },
  );
  connection.onRequest(BinariesRequest.type, async (): Promise<BinariesRequest.Result> => ({
    files: await binaries(deps),
    runtime: {
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      release: release(),
    },
  }));
}
