import { NotificationType } from 'vscode-jsonrpc';

/** Raised when client and server of different builds would misunderstand each other. */
export const protocolVersion = 1;

export type QuietMode = 'off' | 'onBattery' | 'always';

/** The settings that the server needs. The client is the only reader of VS Code's settings and sends them. */
export interface ServerSettings {
  /** A GGUF file, '' = the embedded model. */
  readonly modelPath: string;
  /** 0 = automatic. */
  readonly threads: number;
  /** Upper bound on tokens a completion session may hold, 0 = the model's own context (bounded by memory). */
  readonly maxContextTokens: number;
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
  };
}

/** `initializationOptions` of the LSP initialize request. */
export interface InitializationOptions {
  readonly protocolVersion: number;
  readonly settings: ServerSettings;
  /** Absolute path of the extension's folder: the addon and the embedded model lie in it. */
  readonly extensionPath: string;
}

/** client → server, whenever a setting changed. */
export namespace SettingsNotification {
  export const method = 'niwaki/settings';
  export const type = new NotificationType<ServerSettings>(method);
}
