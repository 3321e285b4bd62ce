/**
 * Which model talks: the one that the user has given that role, else the one that completes, where it was made to talk. The embedded model
 * was not. A model that does both is loaded once.
 */
import type { ChatModelState } from '#protocol';
import { EngineError, type EnginePort } from '../engine';
import { Listeners } from '../util/listeners';
import type { ModelLibrary } from './import';
import type { LoadedModel, ModelChoice, ModelHost } from './modelHost';

/** GGUF key of the text that says how a conversation is shown to the model. */
export const chatTemplateKey = 'tokenizer.chat_template';

export interface ChatModelOptions {
  readonly engine: EnginePort;
  /** What completes. */
  readonly completion: ModelHost;
  /** What loads a model that only talks; it has no fallback. */
  readonly own: ModelHost;
  readonly library: ModelLibrary | undefined;
  /** As the settings ask for completions. */
  readonly choice: () => ModelChoice;
}

interface Found {
  /** Undefined = nobody can talk. */
  readonly host: ModelHost | undefined;
  readonly name: string;
  /** Why the model with the role is not asked: a sentence, '' otherwise. */
  readonly problem: string;
}

const nobody: Found = { host: undefined, name: '', problem: '' };

/** Whether a loaded model's file says how it is talked to. */
export function canTalk({ info, embedded }: Pick<LoadedModel, 'info' | 'embedded'>): boolean {
  return !embedded && (info.metadata[chatTemplateKey] ?? '') !== '';
}

export class ChatModel {
  readonly changes = new Listeners();
  private found: Found = nobody;
  /** Path of the model that the own host was told of. */
  private ownPath = '';
  /** Found out by loading it, or by reading its header. */
  private readonly templates = new Map<string, boolean>();
  private looking: Promise<Found> = Promise.resolve(nobody);
  /** Said of the model by whoever formats conversations for it. */
  private unusable = '';
  canThink = false;

  constructor(private readonly options: ChatModelOptions) {
    for (const host of [options.completion, options.own]) {
      host.changes.add(() => {
        this.changes.fire();
      });
    }
  }

  /** The roles or the settings may be others than before. */
  async refresh(): Promise<void> {
    const before = this.found;
    this.looking = this.looking.then(() => this.look()).catch((error: unknown) => ({ ...nobody, problem: String(error) }));
    this.found = await this.looking;
    if (before.host !== this.found.host || before.name !== this.found.name) {
      this.unusable = '';
      this.canThink = false;
    }
    this.changes.fire();
  }

  /** What the loaded model can do, found out when it was first asked; `problem` '' = it can be talked to. */
  learned(what: { readonly canThink: boolean; readonly problem: string }): void {
    if (this.canThink !== what.canThink || this.unusable !== what.problem) {
      this.canThink = what.canThink;
      this.unusable = what.problem;
      this.changes.fire();
    }
  }

  /** The model, where it is loaded. */
  get loaded(): LoadedModel | undefined {
    const model = this.found.host?.model;
    return model !== undefined && canTalk(model) ? model : undefined;
  }

  get state(): ChatModelState {
    const { host, name, problem } = this.found;
    if (host === undefined) {
      const state = problem === '' ? 'none' : 'failed';
      return { state, name, problem, contextTokens: 0, canThink: false };
    }
    const model = this.loaded;
    if (model !== undefined) {
      const state = this.unusable === '' ? 'ready' : 'failed';
      const { context } = model.kv;
      return { state, name: model.info.name, problem: this.unusable, contextTokens: context, canThink: this.canThink };
    }
    const state = { starting: 'asleep', asleep: 'asleep', loading: 'loading', ready: 'failed', failed: 'failed' } as const;
    return { state: state[host.state], name, problem: host.problem, contextTokens: 0, canThink: false };
  }

  /** Loads it where it is not. Rejects with a reason where nobody can talk, and as cancelled with the signal. */
  async use<T>(signal: AbortSignal, work: (model: LoadedModel) => Promise<T>): Promise<T> {
    await this.refresh();
    const { host, problem } = this.found;
    if (host === undefined) {
      throw new EngineError(
        'not_found',
        problem || 'No model that can talk is there. Import one: the built-in model completes code and was not made to talk.',
      );
    }
    const done = await host.use(signal, async (model) => {
      if (!canTalk(model)) {
        throw new EngineError('unsupported', host.problem || `${model.info.name} has no chat template: it was not made to talk.`);
      }
      return { result: await work(model) };
    });
    if (done === undefined) {
      throw new EngineError('bad_file', host.problem || 'The model could not be loaded.');
    }
    return done.result;
  }

  /** For what nobody waits for: only where it is loaded. */
  async lend(work: (model: LoadedModel) => Promise<void>): Promise<void> {
    await this.found.host?.lend(async (model) => {
      if (canTalk(model)) {
        await work(model);
      }
    });
  }

  /** Lets go of the model with this path, for instance because its file is to be deleted. */
  async release(path: string): Promise<void> {
    if (this.ownPath === path) {
      this.ownPath = '';
      await this.options.own.unload();
    }
    this.templates.delete(path);
  }

  private async look(): Promise<Found> {
    const { library, completion, own, choice } = this.options;
    const settings = choice();
    const id = (await library?.registry.chatModel()) ?? '';
    const entry = id === '' ? undefined : await library?.find(id);
    const path = entry === undefined ? '' : (library?.pathOf(entry) ?? '');
    if (entry !== undefined && path !== settings.path) {
      if (!(await this.hasTemplate(path))) {
        return { ...nobody, name: entry.name, problem: this.whyNot(entry.name) };
      }
      if (this.ownPath !== path) {
        this.ownPath = path;
        await own.unload();
      }
      own.expect({ ...settings, path });
      return { host: own, name: entry.name, problem: '' };
    }
    if (this.ownPath !== '') {
      this.ownPath = '';
      await own.unload();
    }
    if (settings.path !== '' && (await this.hasTemplate(settings.path))) {
      const name = entry?.name ?? completion.model?.info.name ?? settings.path.split(/[/\\]/).at(-1) ?? '';
      return { host: completion, name, problem: '' };
    }
    return entry === undefined ? nobody : { ...nobody, name: entry.name, problem: this.whyNot(entry.name) };
  }

  private whyNot(name: string): string {
    return `${name} cannot be talked to: its file is gone, cannot be read, or has no chat template. Give another model the chat role.`;
  }

  private async hasTemplate(path: string): Promise<boolean> {
    let known = this.templates.get(path);
    if (known === undefined) {
      const summary = await this.options.engine.inspect(path).catch(() => undefined);
      known = summary?.problem === '' && (summary.metadata[chatTemplateKey] ?? '') !== '';
      if (known) {
        this.templates.set(path, known); // a file that is not there today may be tomorrow
      }
    }
    return known;
  }
}
