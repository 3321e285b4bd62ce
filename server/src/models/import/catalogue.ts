/** Which known model a file is, or claims to be: models/catalogue.json, compared by hash, name, size and architecture. */
import type { CatalogueMatch } from '#protocol';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly file: {
    readonly name: string;
    readonly bytes: number;
    /** Whether `bytes` is the size of the file and not a rounded one. */
    readonly exact: boolean;
    /** Only where it is truly known. */
    readonly sha256?: string;
  };
  readonly licence: string;
  readonly notes: string;
}

/** What a file's name and header say. */
export interface FileFacts {
  /** Without folders. */
  readonly fileName: string;
  readonly bytes: number;
  /** general.name, '' = it has none. */
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
}

export interface Judgement {
  readonly match: CatalogueMatch;
  /** Undefined = unknown. */
  readonly entry: CatalogueEntry | undefined;
  /** '' = none; else the file is not what it says: a sentence, and what to do. */
  readonly problem: string;
}

const unknown: Judgement = { match: 'unknown', entry: undefined, problem: '' };

/** Of the same shape: files of one model may differ by a padded vocabulary or an output head of its own. */
const likeShare = 0.02;

function isEntry(value: unknown): value is CatalogueEntry {
  const entry = (value ?? {}) as Partial<CatalogueEntry>;
  return (
    [entry.id, entry.name, entry.architecture, entry.licence, entry.notes, entry.file?.name].every(
      (text) => typeof text === 'string',
    ) && [entry.parameters, entry.file?.bytes].every((number) => typeof number === 'number')
  );
}

/** Rejects when the catalogue that ships with Niwaki is not there, or not what it should be. */
export async function readCatalogue(extensionPath: string): Promise<readonly CatalogueEntry[]> {
  const path = join(extensionPath, 'models', 'catalogue.json');
  const { models } = JSON.parse(await readFile(path, 'utf8')) as { models?: unknown };
  if (!Array.isArray(models) || !models.every(isEntry)) {
    throw new Error(`"${path}" is incomplete. Reinstall Niwaki.`);
  }
  return models;
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '');
}

function about(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= likeShare * wanted;
}

function namesFile({ file }: CatalogueEntry, facts: FileFacts): boolean {
  return file.name.toLowerCase() === facts.fileName.toLowerCase();
}

/** Of another's file one may say that it looks like a known one, and no more. */
function looksLike(entry: CatalogueEntry, facts: FileFacts): boolean {
  const named = namesFile(entry, facts) || plain(facts.name).includes(plain(entry.name));
  return named && entry.architecture === facts.architecture && about(facts.parameters, entry.parameters);
}

/**
 * Says so much of itself that, with another hash, it is a damaged or exchanged file: the very name of one whose hash is known, or its
 * size to the byte.
 */
function claimsToBe(entry: CatalogueEntry, facts: FileFacts): boolean {
  const size = entry.file.exact && entry.file.bytes === facts.bytes && entry.architecture === facts.architecture;
  return entry.file.sha256 !== undefined && (namesFile(entry, facts) || size);
}

function refusal(entry: CatalogueEntry, what: string): string {
  return (
    `This is not the file that it claims to be: ${what} It was damaged on its way, or it is another file. Get ${entry.file.name} ` +
    'again from its maker. If it is a file of your own making, give it another name; a file that you trust can also be named in the ' +
    'setting niwaki.model.path, without being imported.'
  );
}

/** By the header alone, before the file is read. Never 'exact'. */
export function claimOf(catalogue: readonly CatalogueEntry[], facts: FileFacts): Judgement {
  const claimed = catalogue.find((entry) => claimsToBe(entry, facts));
  if (claimed !== undefined && claimed.file.exact && claimed.file.bytes !== facts.bytes) {
    const what = `${claimed.file.name} has ${String(claimed.file.bytes)} bytes, this file ${String(facts.bytes)}.`;
    return { match: 'claims', entry: claimed, problem: refusal(claimed, what) };
  }
  const entry = claimed ?? catalogue.find((one) => looksLike(one, facts));
  return entry === undefined ? unknown : { match: 'claims', entry, problem: '' };
}

/** Once the hash is known (64 hexadecimal digits). */
export function judge(catalogue: readonly CatalogueEntry[], facts: FileFacts, sha256: string): Judgement {
  const exact = catalogue.find(({ file }) => file.sha256 === sha256);
  if (exact !== undefined) {
    return { match: 'exact', entry: exact, problem: '' };
  }
  const claimed = catalogue.find((entry) => claimsToBe(entry, facts));
  if (claimed !== undefined) {
    const what = `the SHA-256 of ${claimed.file.name} is ${claimed.file.sha256 ?? ''}, this file's is ${sha256}.`;
    return { match: 'claims', entry: claimed, problem: refusal(claimed, what) };
  }
  return claimOf(catalogue, facts);
}
