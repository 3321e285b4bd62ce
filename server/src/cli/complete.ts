/** `niwaki complete`: the same completion that the editor gets, at one place of a file. */
import { relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Completer } from '../completion';
import { createNativeEngine, EngineError } from '../engine';
import { automaticChoice, ModelHost } from '../models';
import { silentLog } from '../util/log';
import { modelPath, readArguments, readCount, readText, UsageError } from './arguments';
import { calibratorFor, readCodec } from './kvShared';

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function parsePlace(text: string | undefined): Place {
  const match = /^(.+):(\d+):(\d+)$/.exec(text ?? '');
  if (match === null) {
    throw new UsageError('say where: FILE:LINE:COL, counted from 1, for example src/app.ts:12:5.');
  }
  return { file: match[1] as string, line: Number(match[2]), column: Number(match[3]) };
}

/** Offset in UTF-16 units. The column counts them too, as editors do. */
function offsetOf(text: string, place: Place): number {
  const lines = text.split('\n');
  const line = lines[place.line - 1];
  if (line === undefined) {
    throw new UsageError(
      `${place.file} has ${String(lines.length)} lines, so there is no line ${String(place.line)}.`,
    );
  }
  const length = line.replace(/\r$/, '').length;
  if (place.column < 1 || place.column > length + 1) {
    throw new UsageError(
      `line ${String(place.line)} of ${place.file} has columns 1 to ${String(length + 1)}.`,
    );
  }
  const before = lines.slice(0, place.line - 1).reduce((sum, previous) => sum + previous.length + 1, 0);
  return before + place.column - 1;
}

export async function complete(args: string[]): Promise<string> {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      'max-tokens': { type: 'string' },
      threads: { type: 'string' },
      kv: { type: 'string' },
      data: { type: 'string' },
      'show-prompt': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) {
    throw new UsageError('takes one place: FILE:LINE:COL.');
  }
  const place = parsePlace(positionals[0]);
  const maxTokens = readCount(values['max-tokens'], '--max-tokens', 64);
  const threads = values.threads === undefined ? 0 : readCount(values.threads, '--threads', 1, 256);
  const kvCodec = readCodec(values.kv);
  const text = await readText(place.file);
  const offset = offsetOf(text, place);
  const engine = createNativeEngine();
  try {
    const path = modelPath(values.model);
    const host = new ModelHost({
      engine,
      embeddedPath: path,
      log: silentLog,
      calibrator: calibratorFor(engine, values.data),
    });
    const problem = await host.load({ ...automaticChoice, threads, kvCodec });
    if (problem !== '') {
      throw new EngineError('bad_file', problem);
    }
    const completer = new Completer(engine, host);
    const suggestion = await completer.complete(
      {
        document: {
          uri: pathToFileURL(resolve(place.file)).href,
          path: relative(process.cwd(), resolve(place.file)).split(sep).join('/'),
          languageId: '',
          version: 1,
          text,
        },
        offset,
        maxTokens,
      },
      new AbortController().signal,
    );
    const prompt = await completer.lastPrompt();
    if (values.json) {
      const { line, column } = place;
      return JSON.stringify(
        {
          file: place.file,
          line,
          column,
          suggestion: suggestion?.text ?? '',
          model: host.model?.info.name,
          prompt,
        },
        null,
        2,
      );
    }
    const shown = values['show-prompt'] && prompt !== undefined ? `${prompt.text}\n--- suggestion ---\n` : '';
    const timing =
      prompt === undefined
        ? ''
        : `\n(${String(prompt.tokens)} prompt tokens in ${prompt.prefillMs.toFixed(0)} ms, ` +
          `completion in ${prompt.decodeMs.toFixed(0)} ms)`;
    return `${shown}${suggestion?.text ?? '(nothing worth suggesting)'}${timing}`;
  } finally {
    await engine.dispose();
  }
}
