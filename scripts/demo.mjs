/**
 * The terminal part of `npm start`: the built language server completes cursor positions of a project, as an editor would ask for
 * them. Positions are drawn by a seed and all of them are shown, good or poor.
 */
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { root, SetupError } from './setup.mjs';

/** Characters that the user types on after the first suggestion of a place. */
const typedOn = 4;
const shownBefore = 48;

/** mulberry32: small, and the same everywhere. */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|py|h|cc|cpp)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** A place inside a line: what stands behind it in the line is what the user is about to type. */
function drawPlace(files, random) {
  for (;;) {
    const path = files[random(files.length)];
    const lines = readFileSync(path, 'utf8').split('\n');
    const line = random(lines.length);
    const text = lines[line].trimEnd();
    const indent = text.length - text.trimStart().length;
    if (text.length - indent > 10) {
      const character = indent + 2 + random(text.length - indent - typedOn - 3);
      return { path, lines, line, character, text };
    }
  }
}

class Server {
  constructor() {
    this.child = fork(join(root, 'dist', 'server.js'), ['--node-ipc'], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.connection = createMessageConnection(
      new IPCMessageReader(this.child),
      new IPCMessageWriter(this.child),
    );
    this.connection.listen();
    this.versions = new Map();
  }

  async start(workspace, modelPath) {
    const settings = { modelPath, threads: 0, maxContextTokens: 0, completion: { enabled: true } };
    const folder = { uri: pathToFileURL(workspace).href, name: 'sample' };
    await this.connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: folder.uri,
      workspaceFolders: [folder],
      capabilities: {},
      initializationOptions: { settings, extensionPath: root },
    });
    await this.connection.sendNotification('initialized', {});
    // Otherwise the model would be loaded with the first document, and what is shown is the time of completions.
    const { ok, problem } = await this.connection.sendRequest('niwaki/loadModel', { path: modelPath });
    if (!ok) {
      throw new SetupError(problem);
    }
    return this.connection.sendRequest('niwaki/modelInfo');
  }

  status() {
    return this.connection.sendRequest('niwaki/getStatus');
  }

  /** Gives the document this text, asks for a completion, and says what that took. */
  async complete(uri, text, position) {
    const version = (this.versions.get(uri) ?? 0) + 1;
    this.versions.set(uri, version);
    const before = (await this.status()).counters;
    const started = performance.now();
    await (version === 1
      ? this.connection.sendNotification('textDocument/didOpen', {
          textDocument: { uri, languageId: 'plain', version, text },
        })
      : this.connection.sendNotification('textDocument/didChange', {
          textDocument: { uri, version },
          contentChanges: [{ text }],
        }));
    const [item] = await this.connection.sendRequest('textDocument/inlineCompletion', {
      textDocument: { uri },
      position,
      context: { triggerKind: 2 },
    });
    const ms = performance.now() - started;
    const { counters } = await this.status();
    return {
      suggestion: item?.insertText ?? '',
      ms,
      reused: counters.tokensReused - before.tokensReused,
      evaluated: counters.tokensEvaluated - before.tokensEvaluated,
      typedAlong: counters.typedAlong > before.typedAlong,
    };
  }

  async stop() {
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    this.connection.dispose();
  }
}

function show(text) {
  return text === '' ? '(nothing)' : text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * @param {{ workspace: string, seed: number, count: number, model: string }} options  `count` places, two completions each
 */
export async function demonstrate({ workspace, seed, count, model }) {
  const server = new Server();
  const random = randomNumbers(seed);
  const files = sourceFiles(workspace);
  const first = [];
  const next = [];
  let right = 0;
  try {
    const info = await server.start(workspace, model);
    console.log(
      `${info.name}: ${(info.parameters / 1e6).toFixed(1)} million 1-bit weights, kernels ${info.kernels}, ${info.threads} threads`,
    );
    console.log(
      `${count} places of ${relative(root, workspace)}, drawn with seed ${seed}; every one is shown\n`,
    );
    for (let i = 0; i < count; i += 1) {
      const place = drawPlace(files, random);
      const uri = pathToFileURL(place.path).href;
      console.log(
        `${relative(workspace, place.path).split(sep).join('/')}:${place.line + 1}:${place.character + 1}`,
      );
      for (const character of [place.character, place.character + typedOn]) {
        const lines = place.lines.with(place.line, place.text.slice(0, character));
        const result = await server.complete(uri, lines.join('\n'), { line: place.line, character });
        const tokens = result.typedAlong
          ? 'typed along, the model did not run'
          : `${result.reused} tokens reused, ${result.evaluated} computed`;
        console.log(
          `  ${place.text.slice(Math.max(0, character - shownBefore), character).trimStart()}▏${show(result.suggestion)}`,
        );
        console.log(`      ${result.ms.toFixed(0)} ms · ${tokens}`);
        (character === place.character ? first : next).push(result.ms);
        right += result.suggestion === place.text.slice(character) ? 1 : 0;
      }
      console.log(`      in the file: ${show(place.text.slice(place.character))}\n`);
    }
    console.log(
      `Exactly what the file has: ${right} of ${2 * count}. Median latency: ${median(first).toFixed(0)} ms at a new place, ` +
        `${median(next).toFixed(0)} ms when typing on.`,
    );
  } finally {
    await server.stop().catch(() => server.child.kill());
  }
}
