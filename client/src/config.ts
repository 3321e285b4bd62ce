/** The only reader and writer of Niwaki's settings. */
import type { CompletionStrategy, Eagerness, KvCodec, QuietMode, ServerSettings } from '#protocol';
import { ConfigurationTarget, Disposable, EventEmitter, workspace, type Event } from 'vscode';

const section = 'niwaki';
const anyLanguage = '*';

/** All that the manifest declares; a test compares. Without our prefix. */
export const settingKeys = [
  'completion.enabled',
  'completion.languages',
  'completion.maxTokens',
  'completion.eagerness',
  'completion.inComments',
  'completion.inStrings',
  'completion.strategy',
  'context.enabled',
  'model.path',
  'model.maxContextTokens',
  'kv.codec',
  'kv.memoryMB',
  'kv.diskMB',
  'engine.threads',
  'engine.quiet',
  'engine.unloadAfterMinutes',
  'network.airGapped',
  'chat.lightBulb',
  'nextEdit.enabled',
  'nextEdit.languages',
  'edit.codeLens',
] as const;

export class Config implements Disposable {
  private readonly emitter = new EventEmitter<void>();
  /** Asking VS Code takes half a millisecond, and each key asks. */
  private readonly known = new Map<string, unknown>();
  private readonly subscription = workspace.onDidChangeConfiguration((event) => {
    this.known.clear();
    if (event.affectsConfiguration(section) || event.affectsConfiguration('files.exclude')) {
      this.emitter.fire();
    }
  });
  readonly onDidChange: Event<void> = this.emitter.event;

  serverSettings(): ServerSettings {
    return {
      modelPath: this.get('model.path', '').trim(),
      threads: this.get('engine.threads', 0),
      maxContextTokens: this.get('model.maxContextTokens', 0),
      kvCodec: this.get<KvCodec>('kv.codec', 'kv4'),
      kvMemoryMB: this.get('kv.memoryMB', 0),
      kvDiskMB: this.get('kv.diskMB', 0),
      unloadAfterMinutes: this.get('engine.unloadAfterMinutes', 30),
      quiet: this.quietMode(),
      completion: {
        enabled: this.get('completion.enabled', true),
        languages: this.languages(),
        maxTokens: this.get('completion.maxTokens', 64),
        eagerness: this.get<Eagerness>('completion.eagerness', 'balanced'),
        inComments: this.get('completion.inComments', true),
        inStrings: this.get('completion.inStrings', true),
        strategy: this.get<'auto' | CompletionStrategy>('completion.strategy', 'auto'),
      },
      context: { enabled: this.get('context.enabled', true), exclude: this.hiddenFiles() },
    };
  }

  /** Whether the user wants every feature gone that could use the network. The server learns it when it starts, not by its settings. */
  airGapped(): boolean {
    return this.get('network.airGapped', false);
  }

  /** Whether the chat is offered in the light bulb's menu. */
  chatActions(): boolean {
    return this.get('chat.lightBulb', true);
  }

  /** Whether the change that was just made is offered at the next place, in documents of this language. */
  nextEditsIn(languageId: string): boolean {
    const languages: unknown = this.get<unknown>('nextEdit.languages', []);
    return (
      this.get<boolean>('nextEdit.enabled', true) &&
      Array.isArray(languages) &&
      languages.includes(languageId)
    );
  }

  /** Whether functions have a line above them that offers to edit them. */
  editLens(): boolean {
    return this.get('edit.codeLens', false);
  }

  completionsEnabled(): boolean {
    return this.get('completion.enabled', true);
  }

  /** Whether completions come in documents of this language: the global switch and the language's own. */
  enabledFor(languageId: string): boolean {
    return this.completionsEnabled() && this.languageEnabled(languageId);
  }

  /** The language's own switch. */
  languageEnabled(languageId: string): boolean {
    const languages = this.languages();
    const own = Object.hasOwn(languages, languageId) ? languages[languageId] : undefined; // one may be called 'constructor'
    return own ?? languages[anyLanguage] ?? true;
  }

  /** Values that differ from the default, by key without our prefix. */
  changedSettings(): Readonly<Record<string, unknown>> {
    const changed = this.allSettings().filter(
      ({ value, fallback }) => JSON.stringify(value) !== JSON.stringify(fallback),
    );
    return Object.fromEntries(changed.map(({ key, value }) => [key, value]));
  }

  /** Every setting of ours with its value, and the default's, in the order of the keys. */
  allSettings(): readonly {
    /** Without our prefix. */
    readonly key: string;
    readonly value: unknown;
    readonly fallback: unknown;
  }[] {
    const settings = workspace.getConfiguration(section);
    return settingKeys.map((key) => ({
      key,
      value: settings.get<unknown>(key),
      fallback: settings.inspect(key)?.defaultValue,
    }));
  }

  async setCompletionsEnabled(enabled: boolean): Promise<void> {
    await this.set('completion.enabled', enabled);
  }

  async setLanguageEnabled(languageId: string, enabled: boolean): Promise<void> {
    const own = workspace
      .getConfiguration(section)
      .inspect<Record<string, boolean>>('completion.languages')?.globalValue;
    await this.set('completion.languages', { ...own, [languageId]: enabled });
  }

  quietMode(): QuietMode {
    return this.get<QuietMode>('engine.quiet', 'off');
  }

  async setQuietMode(mode: QuietMode): Promise<void> {
    await this.set('engine.quiet', mode);
  }

  async setModelPath(path: string): Promise<void> {
    await this.set('model.path', path === '' ? undefined : path);
  }

  dispose(): void {
    this.subscription.dispose();
    this.emitter.dispose();
  }

  /**
   * What VS Code's explorer hides, in any folder of the workspace. Globs that hold only beside another file (`when`) are left out:
   * whoever reads them would have to look for that file.
   */
  private hiddenFiles(): readonly string[] {
    const folders = workspace.workspaceFolders ?? [];
    const settings = (folders.length === 0 ? [undefined] : folders).map((folder) =>
      workspace.getConfiguration('files', folder).get<Record<string, unknown>>('exclude', {}),
    );
    const globs = settings.flatMap((exclude) =>
      Object.entries(exclude).flatMap(([glob, hidden]) => (hidden === true ? [glob] : [])),
    );
    return [...new Set(globs)];
  }

  private languages(): Readonly<Record<string, boolean>> {
    return this.get<Record<string, boolean>>('completion.languages', { [anyLanguage]: true });
  }

  private get<T>(key: string, fallback: T): T {
    if (!this.known.has(key)) {
      this.known.set(key, workspace.getConfiguration(section).get<T>(key, fallback));
    }
    return this.known.get(key) as T;
  }

  private async set(key: string, value: unknown): Promise<void> {
    await workspace.getConfiguration(section).update(key, value, ConfigurationTarget.Global);
  }
}
