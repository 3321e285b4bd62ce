/**
 * The file with which an administrator keeps Niwaki from the network on a whole machine. It can only take away, so a file that cannot
 * be relied upon is taken for the strictest one: nobody gains anything by damaging it.
 */
import type { NetworkPolicy } from '#protocol';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

type Values = NetworkPolicy['values'];

const asWithout: Values = { airGapped: false, downloads: true, endpoint: true };
const strictest: Values = { airGapped: true, downloads: false, endpoint: false };

const knownVersion = 1;
const mostBytes = 65_536;
const writableByOthers = 0o022;
const sticky = 0o1000;

/** Where administrators put it. */
export function policyPath(
  platform: NodeJS.Platform = process.platform,
  programData: string | undefined = process.env['ProgramData'],
): string {
  switch (platform) {
    case 'win32':
      return `${programData ?? 'C:\\ProgramData'}\\Niwaki\\policy.json`;
    case 'darwin':
      return '/Library/Application Support/Niwaki/policy.json';
    default:
      return '/etc/niwaki/policy.json';
  }
}

/** What is said of a file that is no policy. */
class Fault extends Error {}

/** JSON takes the last of two values of one name, and names may be spelt with escapes: neither says clearly what is meant. */
function checkNames(text: string): void {
  if (text.includes('\\')) {
    throw new Fault('it has a backslash, which no name of a policy has');
  }
  const names = [...text.matchAll(/"([^"]*)"\s*:/g)].map(([, name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new Fault(`it says "${twice}" twice`);
  }
}

/** Throws a Fault. What the text does not name is as without a file. */
export function parsePolicy(text: string): Values {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Fault(`it is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  checkNames(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault('it is no JSON object');
  }
  const { version, ...rest } = value as Record<string, unknown>;
  if (version !== knownVersion) {
    throw new Fault(`"version" has to be ${String(knownVersion)}`);
  }
  for (const [name, given] of Object.entries(rest)) {
    // A misspelt name, or one of a later version's, would otherwise silently allow what it was meant to forbid.
    if (!Object.hasOwn(asWithout, name)) {
      throw new Fault(`"${name}" is not known; known are ${Object.keys(asWithout).join(', ')}`);
    }
    if (typeof given !== 'boolean') {
      throw new Fault(`"${name}" has to be true or false`);
    }
  }
  return { ...asWithout, ...(rest as Partial<Values>) };
}

function checkOwner(what: string, stats: Stats, owner: number): void {
  if (stats.uid !== owner) {
    throw new Fault(`${what} belongs to the user ${String(stats.uid)} and not to the administrator`);
  }
  if (stats.isSymbolicLink()) {
    return; // its mode says nothing: who may replace it, its folder says
  }
  // In a sticky folder nobody can replace what belongs to another.
  if ((stats.mode & writableByOthers) !== 0 && !(stats.isDirectory() && (stats.mode & sticky) !== 0)) {
    throw new Fault(`${what} can be written by others than the administrator`);
  }
}

/** Every folder on the way to it, too: who can write one of them can put another file in its place. */
function checkFolders(path: string, owner: number): void {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    checkOwner(folder, lstatSync(folder), owner);
    if (folder === dirname(folder)) {
      return;
    }
  }
}

function readTrusted(path: string, owner: number | null): string {
  const real = realpathSync(path);
  // Who waits for the other end of a pipe waits for ever.
  const file = openSync(real, constants.O_RDONLY | (process.platform === 'win32' ? 0 : constants.O_NONBLOCK));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) {
      throw new Fault('it is no file');
    }
    if (stats.size > mostBytes) {
      throw new Fault(`it has more than ${String(mostBytes)} bytes`);
    }
    if (owner !== null) {
      checkOwner('it', stats, owner);
      checkFolders(real, owner);
      checkFolders(resolve(path), owner); // a link is replaced by whoever can write its folder
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Who can write the folder can take the file away: where there is a folder without it, that has to be the administrator's, too. */
function checkFolderOf(path: string, owner: number | null): void {
  const folder = dirname(resolve(path));
  if (owner !== null && !isAbsent(folder)) {
    checkOwner(folder, lstatSync(folder), owner);
    checkOwner(folder, statSync(folder), owner); // where it is a link
  }
}

/** That there is none is only believed of a name that is not there at all; a link to nowhere is no such. */
function isAbsent(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

/**
 * Reads the policy. `owner` is the administrator's user id; null where files have none (Windows): then it is the administrator's
 * matter to let nobody else write the folder.
 */
export function readPolicy(
  path: string = policyPath(),
  owner: number | null = process.platform === 'win32' ? null : 0,
): NetworkPolicy {
  let text: string;
  const strict = (state: 'untrusted' | 'broken', error: unknown): NetworkPolicy => ({
    path,
    state,
    problem:
      `Niwaki's policy file ${path} is not used as it stands: ${error instanceof Error ? error.message : String(error)}. ` +
      'Until this is mended Niwaki is air-gapped.',
    values: strictest,
  });
  try {
    if (isAbsent(path)) {
      checkFolderOf(path, owner);
      return { path, state: 'absent', problem: '', values: asWithout };
    }
    text = readTrusted(path, owner);
  } catch (error) {
    return strict('untrusted', error);
  }
  try {
    const values = parsePolicy(text);
    return { path, state: owner === null ? 'unchecked' : 'trusted', problem: '', values };
  } catch (error) {
    return strict('broken', error);
  }
}
