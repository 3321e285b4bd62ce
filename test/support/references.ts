/** The corpus of conversations, and what Python's Jinja2 makes of it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PromptMessage, RenderOptions } from '../../server/src/conversation';

const root = join(__dirname, '..', '..');

export interface CorpusEntry extends RenderOptions {
  readonly name: string;
  readonly messages: readonly PromptMessage[];
}

export type Reference = { readonly text: string } | { readonly refused: string };

export function corpus(): readonly CorpusEntry[] {
  return JSON.parse(
    readFileSync(join(root, 'test', 'fixtures', 'conversations.json'), 'utf8'),
  ) as readonly CorpusEntry[];
}

/** Whether Python with Jinja2 is there. */
export function hasJinja2(): boolean {
  return spawnSync('python3', ['-c', 'import jinja2'], { stdio: 'ignore' }).status === 0;
}

/** By template, in the order of the conversations. Throws with Python's own words when a template cannot be read. */
export function references(
  templates: Readonly<Record<string, string>>,
  conversations: readonly CorpusEntry[],
  { bos, eos }: { readonly bos: string; readonly eos: string },
): Readonly<Record<string, readonly Reference[]>> {
  const now = [2026, 3, 4, 15, 6, 7];
  const { status, stdout, stderr } = spawnSync('python3', [join(root, 'bench', 'chat', 'reference.py')], {
    input: JSON.stringify({ templates, conversations, bos, eos, now }),
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) {
    throw new Error(`Python's Jinja2 has failed: ${stderr.toString().trim()}`);
  }
  return JSON.parse(stdout.toString()) as Readonly<Record<string, readonly Reference[]>>;
}
