/** What the commands about the KV cache share: where calibrations are kept, texts that are long enough, progress. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  EngineError,
  kvCodecs,
  type EnginePort,
  type KvCodec,
  type ModelHandle,
  type TokenId,
} from '../engine';
import { CalibrationStore, embeddedCalibrationPath, KvCalibrator } from '../models';
import { silentLog } from '../util/log';
import { extensionRoot, UsageError } from './arguments';

/** The engine asks for as many. */
export const fewestTokens = 256;

/** Where programs keep what is theirs, by the system's custom: XDG's variable, Library, LOCALAPPDATA. */
export function dataFolder(
  chosen: string | undefined,
  platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env,
  home = homedir(),
): string {
  if (chosen !== undefined) {
    return chosen;
  }
  switch (platform) {
    case 'win32':
      return join(environment['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'Niwaki');
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Niwaki');
    default:
      return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'niwaki');
  }
}

export function calibrationStore(chosen: string | undefined): CalibrationStore {
  return new CalibrationStore(join(dataFolder(chosen), 'kv'));
}

/** Finds what there is, makes nothing: that is `niwaki kv-calibrate`'s. */
export function calibratorFor(engine: EnginePort, chosen: string | undefined): KvCalibrator {
  return new KvCalibrator({
    engine,
    log: silentLog,
    store: calibrationStore(chosen),
    embeddedPath: embeddedCalibrationPath(extensionRoot()),
    text: () => Promise.resolve(''),
    idleMs: 0,
    mayWork: () => Promise.resolve(false),
  });
}

export function readCodec(text: string | undefined): KvCodec {
  const codec = kvCodecs.find((name) => name === (text ?? 'kv4'));
  if (codec === undefined) {
    throw new UsageError(`--kv takes one of ${kvCodecs.join(', ')}, not "${text ?? ''}".`);
  }
  return codec;
}

/** The text's first tokens. `name` is what a complaint calls it. */
export async function tokensOf(
  engine: EnginePort,
  model: ModelHandle,
  text: string,
  name: string,
  most: number,
): Promise<readonly TokenId[]> {
  const tokens = (await engine.tokenize(model, text, false)).slice(0, most);
  if (tokens.length < fewestTokens) {
    throw new EngineError(
      'invalid_argument',
      `${name} has ${String(tokens.length)} tokens for this model; at least ${String(fewestTokens)} are needed. Give a longer text.`,
    );
  }
  return tokens;
}

interface ProgressLine {
  readonly show: (share: number) => void;
  readonly end: () => void;
}

/** One line that is written over and over; nothing where nobody watches. */
export function progressLine(what: string): ProgressLine {
  const shown = process.stderr.isTTY;
  return {
    show: (share) => {
      if (shown) {
        process.stderr.write(`\r${what}: ${String(Math.round(share * 100)).padStart(3)} %`);
      }
    },
    end: () => {
      if (shown) {
        process.stderr.write('\r\x1b[K');
      }
    },
  };
}
