/**
 * Keeps what probes have found on disk, one file a model, named after the model's fingerprint: some numbers about the model, nothing of
 * anybody's text.
 */
import { readFile, rm } from 'node:fs/promises';
import { strategyKinds } from '../../prompt';
import { makePrivateFolder, writeWhole } from '../../util/privateFolder';
import { modelFile } from '../calibrationStore';
import type { ProbeScores } from './decide';
import { snippets, snippetsVersion } from './snippets';

/** Raised when forms or scoring change: older findings say nothing then. */
const formsVersion = 1;
const version = `${String(formsVersion)}.${String(snippetsVersion)}`;

function isScore(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value) && value <= 0);
}

/** Undefined when it is of another version, or not what was written. */
function parse(text: string): ProbeScores | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version: written, scores } = (value ?? {}) as { version?: unknown; scores?: unknown };
  if (written !== version || typeof scores !== 'object' || scores === null) {
    return undefined;
  }
  const entries = Object.entries(scores);
  const sound = entries.every(
    ([kind, list]) =>
      strategyKinds.some((known) => known === kind) &&
      Array.isArray(list) &&
      list.length === snippets.length &&
      list.every(isScore),
  );
  return sound ? scores : undefined;
}

export class FindingStore {
  /** `folder` is made when something is first written. */
  constructor(private readonly folder: string) {}

  pathOf(fingerprint: string): string {
    return modelFile(this.folder, fingerprint, 'json');
  }

  /** Undefined when there is none; one that is damaged or of another version is deleted. */
  async read(fingerprint: string): Promise<ProbeScores | undefined> {
    const path = this.pathOf(fingerprint);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    const scores = text === undefined ? undefined : parse(text);
    if (text !== undefined && scores === undefined) {
      await rm(path, { force: true }).catch(() => undefined);
    }
    return scores;
  }

  async remove(fingerprint: string): Promise<void> {
    await rm(this.pathOf(fingerprint), { force: true });
  }

  /** Returns where it lies now. */
  async write(fingerprint: string, scores: ProbeScores): Promise<string> {
    const path = this.pathOf(fingerprint);
    await makePrivateFolder(this.folder);
    await writeWhole(path, Buffer.from(`${JSON.stringify({ version, scores }, null, 1)}\n`));
    return path;
  }
}
