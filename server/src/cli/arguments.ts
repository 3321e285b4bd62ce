/** What the commands share: reading arguments, finding the model. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { EngineError } from '../engine';
import { embeddedModelPath } from '../models';

/** The command line makes no sense. */
export class UsageError extends Error {}

/** A command failed, and what it found out all the same. */
export class ReportedError extends Error {
  constructor(
    message: string,
    readonly report: string,
  ) {
    super(message);
  }
}

/** `parseArgs` with its complaints as UsageErrors. */
export function readArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A text file, with a reason that names it when it cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'there is no such file; check the path'
        : code === 'EISDIR'
          ? 'it is a directory; name a file in it'
          : code === 'EACCES'
            ? 'you may not read it; check its permissions'
            : String(error);
    throw new EngineError('not_found', `cannot read "${path}": ${why}.`);
  }
}

export function readCount(
  text: string | undefined,
  name: string,
  fallback: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (text === undefined) {
    return fallback;
  }
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? 'above 0' : `from 1 to ${String(most)}`;
    throw new UsageError(`${name} takes a whole number ${range}, not "${text}".`);
  }
  return value;
}

/** The bundle lies in dist/ (the sources three folders deep); models/ beside that. */
export function extensionRoot(): string {
  return __filename.endsWith('.ts') ? dirname(dirname(dirname(__dirname))) : dirname(__dirname);
}

export function modelPath(chosen: string | undefined): string {
  return chosen ?? embeddedModelPath(extensionRoot());
}
