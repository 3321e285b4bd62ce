/** The settings as they arrive, checked: whoever speaks LSP may send anything. */
import type { Eagerness, QuietMode, ServerSettings } from '#protocol';
import { gates } from '../completion';
import { kvCodecs } from '../engine';
import type { ModelChoice, StrategyChoice } from '../models';
import { strategyKinds } from '../prompt';

export const defaultSettings: ServerSettings = {
  modelPath: '',
  threads: 0,
  maxContextTokens: 0,
  kvCodec: 'kv4',
  kvMemoryMB: 0,
  kvDiskMB: 0,
  unloadAfterMinutes: 30,
  quiet: 'off',
  completion: {
    enabled: true,
    languages: { '*': true },
    maxTokens: 64,
    eagerness: 'balanced',
    strategy: 'auto',
    inComments: true,
    inStrings: true,
  },
  context: { enabled: true, exclude: [] },
};

const mostTokens = 512;
const mostGlobs = 1_000;
/** A timer of Node's holds 24 days. */
const mostMinutes = 10_080;
const eagernesses = Object.keys(gates) as Eagerness[];
const strategies: readonly StrategyChoice[] = ['auto', ...strategyKinds];
const quietModes: readonly QuietMode[] = ['off', 'onBattery', 'always'];

function amount(value: unknown, fallback: number, most: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.min(value, most) : fallback;
}

function count(value: unknown, fallback: number, most: number): number {
  return Math.floor(amount(value, fallback, most));
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** What is missing or senseless is replaced by the default. */
export function readSettings(value: unknown): ServerSettings {
  const raw = record(value);
  const completion = record(raw['completion']);
  const languages = Object.entries(record(completion['languages'])).filter(
    (entry): entry is [string, boolean] => typeof entry[1] === 'boolean',
  );
  const context = record(raw['context']);
  const exclude: unknown[] = Array.isArray(context['exclude']) ? context['exclude'] : [];
  const { modelPath } = raw;
  return {
    modelPath: typeof modelPath === 'string' ? modelPath : defaultSettings.modelPath,
    threads: count(raw['threads'], defaultSettings.threads, 256),
    maxContextTokens: count(raw['maxContextTokens'], defaultSettings.maxContextTokens, 2 ** 24),
    kvCodec: kvCodecs.find((codec) => codec === raw['kvCodec']) ?? defaultSettings.kvCodec,
    kvMemoryMB: count(raw['kvMemoryMB'], defaultSettings.kvMemoryMB, 2 ** 24),
    kvDiskMB: count(raw['kvDiskMB'], defaultSettings.kvDiskMB, 2 ** 24),
    unloadAfterMinutes: amount(raw['unloadAfterMinutes'], defaultSettings.unloadAfterMinutes, mostMinutes),
    quiet: quietModes.find((mode) => mode === raw['quiet']) ?? defaultSettings.quiet,
    completion: {
      enabled: completion['enabled'] !== false,
      languages: languages.length > 0 ? Object.fromEntries(languages) : defaultSettings.completion.languages,
      maxTokens: Math.max(
        1,
        count(completion['maxTokens'], defaultSettings.completion.maxTokens, mostTokens),
      ),
      eagerness:
        eagernesses.find((one) => one === completion['eagerness']) ?? defaultSettings.completion.eagerness,
      inComments: completion['inComments'] !== false,
      inStrings: completion['inStrings'] !== false,
      strategy:
        strategies.find((one) => one === completion['strategy']) ?? defaultSettings.completion.strategy,
    },
    context: {
      enabled: context['enabled'] !== false,
      exclude: exclude.filter((glob) => typeof glob === 'string').slice(0, mostGlobs),
    },
  };
}

export function choiceOf(settings: ServerSettings): ModelChoice {
  return {
    path: settings.modelPath,
    threads: settings.threads,
    maxContextTokens: settings.maxContextTokens,
    kvCodec: settings.kvCodec,
    kvMemoryMB: settings.kvMemoryMB,
  };
}
