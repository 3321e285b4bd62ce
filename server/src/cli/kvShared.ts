/** What the commands about the KV cache share: where calibrations are kept, texts that are long enough, progress. */
import { join } from 'node:path';
import {
  EngineError,
  kvCodecs,
  type EnginePort,
  type KvCodec,
  type ModelHandle,
  type TokenId,
} from '../engine';
import { CalibrationStore, dataFolder, embeddedCalibrationPath, KvCalibrator } from '../models';
import { silentLog, type Log } from '../util/log';
import { extensionRoot, UsageError } from './arguments';

/** The engine asks for as many. */
export const fewestTokens = 256;

export function calibrationStore(chosen: string | undefined): CalibrationStore {
  return new CalibrationStore(join(dataFolder(chosen), 'kv'));
}

/** Says why a file that is there is not used. */
const complaints: Log = {
  ...silentLog,
  warn: (message) => {
    process.stderr.write(`${message}\n`);
  },
};

/** Finds what there is, makes and deletes nothing: that is `niwaki kv-calibrate`'s. */
export function calibratorFor(engine: EnginePort, chosen: string | undefined): KvCalibrator {
  return new KvCalibrator({
    engine,
    log: complaints,
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
