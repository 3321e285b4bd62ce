/** Files from prompts, for the client: checks what arrives, and says how far a text is. */
import {
  CheckFilesRequest,
  FileTextNotification,
  PlanFilesRequest,
  WriteFileRequest,
  type PlannedFile,
} from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import { readAttachments } from '../attachments';
import { mostFiles, NewFiles, type NewFilesDeps } from '../edit/files';
import { toSignal } from '../util/signal';
import { Throttle } from '../util/throttle';
import { raw } from './raw';

export interface FilesDeps extends NewFilesDeps {
  readonly connection: Connection;
}

const textEveryMs = 50;
/** Characters, and paths: what nobody has written by hand. */
const longestRequest = 20_000;
const longestText = 1_000_000;
const mostPaths = 200;

function text(params: unknown, key: string, longest = longestRequest): string {
  const value = raw(params)[key];
  return typeof value === 'string' ? value.slice(0, longest) : '';
}

function list(params: unknown, key: string, most: number): readonly unknown[] {
  const value = raw(params)[key];
  return Array.isArray(value) ? value.slice(0, most) : [];
}

function readPlanned(value: unknown): PlannedFile {
  return { path: text(value, 'path'), purpose: text(value, 'purpose', 1_000).replaceAll(/\s+/g, ' ') };
}

export function registerFiles({ connection, ...deps }: FilesDeps): void {
  const files = new NewFiles(deps);
  connection.onRequest(PlanFilesRequest.type, (params, token) =>
    files.plan(
      {
        request: text(params, 'request', longestText),
        folder: text(params, 'folder'),
        attachments: readAttachments(raw(params)['attachments']),
      },
      toSignal(token),
    ),
  );
  connection.onRequest(CheckFilesRequest.type, (params) =>
    files.check(list(params, 'paths', mostPaths).map((path) => (typeof path === 'string' ? path : ''))),
  );
  connection.onRequest(WriteFileRequest.type, async (params, token) => {
    const job = text(params, 'job');
    let phase: FileTextNotification.Params['phase'] = 'loading';
    let latest = (): string => '';
    const said = new Throttle(() => {
      void connection
        .sendNotification(FileTextNotification.type, { job, phase, text: latest() })
        .catch(() => undefined);
    }, textEveryMs);
    const { index } = raw(params);
    try {
      return await files.write(
        {
          request: text(params, 'request', longestText),
          attachments: readAttachments(raw(params)['attachments']),
          plan: list(params, 'plan', mostFiles).map(readPlanned),
          index: typeof index === 'number' ? index : -1,
          written: list(params, 'written', mostFiles).map((one) => ({
            path: text(one, 'path'),
            text: text(one, 'text', longestText),
          })),
        },
        {
          signal: toSignal(token),
          onPhase: (next) => {
            phase = next;
            said.request();
          },
          onText: (shown) => {
            latest = shown;
            said.request();
          },
        },
      );
    } finally {
      said.dispose();
    }
  });
}
