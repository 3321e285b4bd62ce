/** Edits, for the client: checks what arrives, and says how far one is. */
import {
  EditProgressNotification,
  EditRequest,
  type EditProblem,
  type EditTask,
  type LineRange,
} from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import { Proposer, type EditProgress, type ProposerOptions } from '../edit';
import { toSignal } from '../util/signal';
import { Throttle } from '../util/throttle';
import { raw } from './raw';

export interface EditDeps extends ProposerOptions {
  readonly connection: Connection;
}

const progressEveryMs = 50;
const mostProblems = 50;
/** UTF-16 units. */
const longestInstruction = 100_000;
const longestTried = 4 * 1024 * 1024;

const tasks: readonly EditTask[] = [
  ...(['instruct', 'fix', 'simplify', 'extract', 'toAsync'] as const),
  ...(['toFunctions', 'addTypes', 'document', 'tests'] as const),
];

function textOf(value: unknown, most: number): string {
  return typeof value === 'string' ? value.slice(0, most) : '';
}

function isLine(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readRange(value: unknown): LineRange | undefined {
  const { start, end } = raw(value);
  return isLine(start) && isLine(end) && end >= start ? { start, end } : undefined;
}

function readProblems(value: unknown): readonly EditProblem[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, mostProblems) : [];
  return list.flatMap((one) => {
    const { line, message } = raw(one);
    return isLine(line) && typeof message === 'string' ? [{ line, message }] : [];
  });
}

/** A sentence where it is no request. */
function readEdit(params: unknown): Omit<EditRequest.Params, 'job'> | string {
  const { uri, version, range, task, instruction, problems, tried } = raw(params);
  const lines = readRange(range);
  const known = tasks.find((one) => one === task);
  if (typeof uri !== 'string' || !Number.isSafeInteger(version)) {
    return 'The edit names no document.';
  }
  if (lines === undefined) {
    return 'The edit names no lines.';
  }
  if (known === undefined) {
    return 'The edit has no task that this server knows.';
  }
  return {
    ...{ uri, version: version as number, range: lines, task: known, problems: readProblems(problems) },
    instruction: textOf(instruction, longestInstruction),
    tried: textOf(tried, longestTried),
  };
}

/** Returns what forgets a document that was closed. */
export function registerEdits({ connection, ...options }: EditDeps): (uri: string) => void {
  const proposer = new Proposer(options);
  connection.onRequest(EditRequest.type, async (params, token): Promise<EditRequest.Result> => {
    const asked = readEdit(params);
    if (typeof asked === 'string') {
      return { problem: asked, cancelled: false, changes: [], form: 'rewrite', figures: null };
    }
    const job = textOf(raw(params)['job'], longestInstruction);
    let latest: EditProgress | undefined;
    const said = new Throttle(() => {
      if (latest !== undefined) {
        void connection
          .sendNotification(EditProgressNotification.type, { job, ...latest })
          .catch(() => undefined);
      }
    }, progressEveryMs);
    try {
      return await proposer.propose(asked, toSignal(token), (progress) => {
        latest = progress;
        said.request();
      });
    } finally {
      said.dispose();
    }
  });
  return (uri) => {
    void proposer.forget(uri);
  };
}
