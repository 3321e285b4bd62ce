/** A workspace of two folders, one of them with a name that few programs are tried with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceSettings } from '../../workspace.mjs';

export function start(temporary) {
  const folders = ['plain', 'Büro – 日本/проект'];
  for (const folder of folders) {
    mkdirSync(join(temporary, folder), { recursive: true });
  }
  const file = join(temporary, 'two folders.code-workspace');
  const workspace = { folders: folders.map((path) => ({ path })), settings: workspaceSettings };
  writeFileSync(file, JSON.stringify(workspace, null, 2));
  return { launchArgs: [file], extensions: [] };
}
