/** Loads the parser and its grammars, each when it is first needed. What cannot be loaded is said once and done without. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as TreeSitter from '@vscode/tree-sitter-wasm';
import type { Log } from '../util/log';

export class Grammars {
  private runtime: Promise<typeof TreeSitter> | undefined;
  private readonly languages = new Map<string, Promise<TreeSitter.Language | undefined>>();

  constructor(
    /** Where tree-sitter.js, its .wasm and those of the grammars lie. */
    private readonly folder: string,
    private readonly log: Log,
  ) {}

  /** Undefined when it cannot be loaded. */
  language(name: string): Promise<TreeSitter.Language | undefined> {
    let language = this.languages.get(name);
    if (language === undefined) {
      language = this.load(name).catch((error: unknown) => {
        this.log.warn(
          `The grammar "${name}" cannot be used, indentation alone decides instead: ` +
            (error instanceof Error ? error.message : String(error)),
        );
        return undefined;
      });
      this.languages.set(name, language);
    }
    return language;
  }

  /** A parser for a language that has been loaded. The caller frees it with delete(). */
  async parser(language: TreeSitter.Language): Promise<TreeSitter.Parser> {
    const { Parser } = await this.started();
    return new Parser().setLanguage(language);
  }

  private async load(name: string): Promise<TreeSitter.Language> {
    const { Language } = await this.started();
    return Language.load(join(this.folder, `tree-sitter-${name}.wasm`));
  }

  private started(): Promise<typeof TreeSitter> {
    this.runtime ??= this.start();
    return this.runtime;
  }

  private async start(): Promise<typeof TreeSitter> {
    // Loaded by its path and not bundled: it finds its .wasm beside itself, and nobody pays for it who does not use it.
    const path = join(this.folder, 'tree-sitter.js');
    const runtime = createRequire(path)(path) as typeof TreeSitter;
    await runtime.Parser.init({ locateFile: (file) => join(this.folder, file) });
    return runtime;
  }
}
