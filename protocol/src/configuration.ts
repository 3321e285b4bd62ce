import { NotificationType } from 'vscode-jsonrpc';

/** Raised when client and server of different builds would misunderstand each other. */
export const protocolVersion = 1;

export type QuietMode = 'off' | 'onBattery' | 'always';

/** 16 bits a value; 8; 4; 4 for keys and 3 for values; 3. */
export type KvCodec = 'f16' | 'kv8' | 'kv4' | 'kv43' | 'kv3';

/** How sure a suggestion must be to be shown: rather sure; as sure as is worth a look; whatever there is. */
export type Eagerness = 'fewer' | 'balanced' | 'more';

/** How a model is asked for the text at the cursor. */
export type CompletionStrategy = 'suffixFirst' | 'prefixFirst' | 'prefixOnly' | 'chat';

/** The settings that the server needs. The client is the only reader of VS Code's settings and sends them. */
export interface ServerSettings {
  /** A GGUF file, '' = the embedded model. */
  readonly modelPath: string;
  /** 0 = automatic. */
  readonly threads: number;
  /** Upper bound on tokens a completion session may hold, 0 = as many as the model and the KV memory allow. */
  readonly maxContextTokens: number;
  /** How keys and values are stored. A model that a codec does not fit keeps half precision. */
  readonly kvCodec: KvCodec;
  /** MB that the KV caches of all files together may take, 0 = a sensible share of the machine. */
  readonly kvMemoryMB: number;
  /** MB that saved context may take on disk, 0 = nothing is ever saved, and what was is deleted. */
  readonly kvDiskMB: number;
  /** Minutes without a completion after which the model is freed, 0 = never. */
  readonly unloadAfterMinutes: number;
  /** When to spare battery and ears. */
  readonly quiet: QuietMode;
  readonly completion: {
    readonly enabled: boolean;
    /** By language id; '*' holds for all that are not named. */
    readonly languages: Readonly<Record<string, boolean>>;
    /** Most tokens a suggestion may have. */
    readonly maxTokens: number;
    readonly eagerness: Eagerness;
    /** auto = what the model's file says, or what trying it has shown. */
    readonly strategy: 'auto' | CompletionStrategy;
    /** Whether there are completions in comments, and in strings. */
    readonly inComments: boolean;
    readonly inStrings: boolean;
  };
  readonly context: {
    /** Whether prompts may show other files than the one that is completed. */
    readonly enabled: boolean;
    /** Globs as in VS Code's `files.exclude`: what they match is never shown beside another file. */
    readonly exclude: readonly string[];
  };
}

/** `initializationOptions` of the LSP initialize request. */
export interface InitializationOptions {
  readonly protocolVersion: number;
  readonly settings: ServerSettings;
  /** Absolute path of the extension's folder: the addon and the embedded model lie in it. */
  readonly extensionPath: string;
  /**
   * Absolute path of a folder of the extension's own: KV calibrations and what was found out about how a model is best asked are kept
   * in it, a file each a model, and context is saved in it where kvDiskMB allows. Absent = nothing is written, and no calibration is
   * made in the background.
   */
  readonly storagePath?: string;
  /** What conversations of this workspace are found again by, whichever folders it has. Absent = its folders. */
  readonly workspaceId?: string;
  /** Whether the client answers `niwaki/definitions`. */
  readonly answersDefinitions?: boolean;
  /** Without use, before a missing calibration is made; 60 when absent. */
  readonly calibrateAfterSeconds?: number;
  /** Without use, before a model whose file does not say how it is asked is tried; 2 when absent. */
  readonly probeAfterSeconds?: number;
}

/** client → server, whenever a setting changed. */
export namespace SettingsNotification {
  export const method = 'niwaki/settings';
  export const type = new NotificationType<ServerSettings>(method);
}
