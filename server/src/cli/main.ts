/** `niwaki`: the engine from a terminal. Exit status 0 = done, 1 = failed, 2 = wrong use. */
import { version } from '../../../package.json';
import { EngineError } from '../engine';
import { loadGuard, Network } from '../network';
import { ReportedError, UsageError } from './arguments';
import { complete } from './complete';
import { doctor } from './doctor';
import { kvCalibrate } from './kvCalibrate';
import { kvDoctor } from './kvDoctor';
import { inspect } from './inspect';
import { models } from './models';
import { tokenize } from './tokenize';
import { tryStrategies } from './tryStrategies';

const usage = `Usage: niwaki <command> [options]

  complete FILE:LINE:COL   Complete the file at this place (counted from 1, COL in UTF-16 units as editors do).
      --model FILE           a GGUF file instead of the built-in model
      --max-tokens N         most tokens of the completion (default 64)
      --threads N            worker threads (default: as many as suit the machine)
      --show-prompt          print the prompt as the model got it, too
  inspect MODEL            What a GGUF file holds, and whether it can be used.
      --tensors              list every tensor
  models list              Models that were imported, and whether their files are as they were.
  models import FILE       Check a GGUF file, copy it, and compare it with the known models.
      --reference            leave it where it is, and note that
  models inspect MODEL     What is known of an imported model (its id, name or path), and what it takes.
  models remove MODEL      Forget it, and delete the copy.
  tokenize [TEXT]          Token ids of TEXT, or of standard input.
      --model FILE           as above
      --file FILE            take the text from a file
      --special              control tokens written out in the text become ids
  doctor                   What this machine can do: kernels, which are used and why, memory.
      --model FILE           as above
  try-strategies MODEL     How this model is best asked for the text at a cursor, tried on snippets that ship with Niwaki. In the
                           editor Niwaki does this by itself, where the file does not say.
      --threads N            as above
  kv-doctor MODEL [TEXT]   What each way of storing the KV cache costs this model, in memory and in quality, measured on
                           TEXT (a file; default: a text that ships with Niwaki), with a recommendation. Takes a while.
      --careful              also kv4 with careful layers (see below), where that takes more than a minute
      --tokens N             most tokens of TEXT (default 4096)
      --threads N            as above
  kv-calibrate MODEL [TEXT]
                           Read TEXT with the model, so that a compressed KV cache knows its keys. Kept for niwaki complete;
                           in the editor Niwaki does this by itself.
      --careful              also find the layers in which kv4 does most of its damage, to keep 8 bits a value there. Compares
                             codecs once for every layer of the model: seconds for the built-in one, hours for a large one
      --out FILE             write there instead
      --threads N            as above

  --kv CODEC               for complete, doctor and models inspect: how the KV cache is stored: f16, kv8, kv4 (default), kv43, kv3
  --data FOLDER            for complete, doctor, kv-calibrate and models: where calibrations and imported models are kept
                           (default: the system's place for programs' data)

  --json                   machine-readable output, for every command
  --help, --version

The environment variable NIWAKI_CPU caps the kernels: generic, avx2, avx512vnni, or neon on ARM.`;

const commands: Readonly<Record<string, (args: string[]) => Promise<string>>> = {
  complete,
  inspect,
  models,
  tokenize,
  doctor,
  'kv-doctor': kvDoctor,
  'kv-calibrate': kvCalibrate,
  'try-strategies': tryStrategies,
};

/**
 * The same filter as the language server's, before anything is read. Where there is none a command runs all the same, unless the
 * administrator's policy says air-gapped: then a sentence that says why not.
 */
function leaveTheNetwork(): string {
  const guard = loadGuard();
  guard.leaveRingsBehind();
  return new Network({ airGapped: false, guard }).refusal;
}

async function run(args: string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`${name === '' ? '' : `niwaki: there is no command "${name}".\n\n`}${usage}\n`);
    return 2;
  }
  const refusal = leaveTheNetwork();
  if (refusal !== '') {
    process.stderr.write(`niwaki: ${refusal}\n`);
    return 1;
  }
  try {
    process.stdout.write(`${await command(rest)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`niwaki ${name}: ${error.message}\nTry "niwaki --help".\n`);
      return 2;
    }
    if (error instanceof ReportedError) {
      process.stdout.write(`${error.report}\n`);
      process.stderr.write(`niwaki ${name}: ${error.message}\n`);
      return 1;
    }
    if (error instanceof EngineError || (error instanceof Error && 'code' in error)) {
      process.stderr.write(`niwaki ${name}: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

// Whoever read from us has seen enough ("| head").
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});

void run(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
