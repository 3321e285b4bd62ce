/** What the commands share: reading arguments, finding the model. */
import { dirname } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { embeddedModelPath } from '../models';

/** The command line makes no sense. */
export class UsageError extends Error {}

/** `parseArgs` with its complaints as UsageErrors. */
export function readArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function readCount(text: string | undefined, name: string, fallback: number): number {
  if (text === undefined) {
    return fallback;
  }
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new UsageError(`${name} takes a whole number above 0, not "${text}".`);
  }
  return value;
}

/** The bundle lies in dist/ (the sources three folders deep); the model in models/ beside that. */
export function modelPath(chosen: string | undefined): string {
  const root = __filename.endsWith('.ts') ? dirname(dirname(dirname(__dirname))) : dirname(__dirname);
  return chosen ?? embeddedModelPath(root);
}
