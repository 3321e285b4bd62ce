/** The settings as they arrive, checked: whoever speaks LSP may send anything. */
import type { ServerSettings } from '#protocol';
import type { ModelChoice } from '../models';

export const defaultSettings: ServerSettings = {
  modelPath: '',
  threads: 0,
  maxContextTokens: 0,
  completion: { enabled: true, languages: { '*': true }, maxTokens: 64 },
};

const mostTokens = 512;

function count(value: unknown, fallback: number, most: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? Math.min(Math.floor(value), most)
    : fallback;
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
  const { modelPath } = raw;
  return {
    modelPath: typeof modelPath === 'string' ? modelPath : defaultSettings.modelPath,
    threads: count(raw['threads'], defaultSettings.threads, 256),
    maxContextTokens: count(raw['maxContextTokens'], defaultSettings.maxContextTokens, 2 ** 24),
    completion: {
      enabled: completion['enabled'] !== false,
      languages: languages.length > 0 ? Object.fromEntries(languages) : defaultSettings.completion.languages,
      maxTokens: Math.max(
        1,
        count(completion['maxTokens'], defaultSettings.completion.maxTokens, mostTokens),
      ),
    },
  };
}

export function choiceOf(settings: ServerSettings): ModelChoice {
  return {
    path: settings.modelPath,
    threads: settings.threads,
    maxContextTokens: settings.maxContextTokens,
  };
}
