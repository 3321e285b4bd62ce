/**
 * A model of the 1.7B shape behind the real server: how long a keystroke takes in text of some depth, once that text has been read.
 * Its weights are random, so its suggestions are too; what they cost is not.
 */
import { ownFiles } from './history.mjs';
import { percentile } from './latency.mjs';
import { positionOf } from './live.mjs';
import { withServer } from './server.mjs';

const tokensEach = 24;
const uri = 'file:///w/src/deep.ts';
/** What is typed at the end of the text, a key after the other. */
const typed = 'export function readSettings(value: unknown): Settings {';

/** This project's files behind each other, over and over, so many characters of them. */
function textOf(root, characters) {
  let text = '';
  for (let round = 0; text.length < characters; round += 1) {
    for (const file of ownFiles(root)) {
      text += `// ${round} ${file.path}\n${file.text}\n`;
    }
  }
  return `${text.slice(0, text.lastIndexOf('\n', characters))}\n`;
}

/** A completion: milliseconds until the answer, what the server says of it, and how many tokens were decoded. */
async function complete(client, text) {
  const before = (await client.status()).counters;
  const started = performance.now();
  await client.complete(uri, positionOf(text, text.length));
  const ms = performance.now() - started;
  const { counters } = await client.status();
  const { times, tokens } = await client.connection.sendRequest('niwaki/why');
  const decoded = counters.tokensDecoded - before.tokensDecoded;
  return {
    ...{ ms: ms - times.debounce, decoded, ran: counters.runs > before.runs },
    ...{ decodeMs: times.decode, tokens: tokens.all, evaluated: tokens.computed },
  };
}

/** Keys at the end of a text of some `depth` tokens. */
async function measureDepth(client, root, { depth, charactersPerToken, keys }) {
  let text = textOf(root, Math.round(depth * charactersPerToken));
  await client.open(uri, text);
  const first = await complete(client, text); // reads all of it
  const rows = [];
  for (let i = 0; rows.length < keys && i < typed.length; i += 1) {
    const key = typed[i];
    await client.insert(uri, positionOf(text, text.length), key);
    text += key;
    const row = await complete(client, text);
    if (row.ran) {
      rows.push(row);
    }
  }
  await client.close(uri);
  // All tokens but the first come at the same pace; the first one's own step is part of `decodeMs`.
  const firstToken = rows.map(
    ({ ms, decodeMs, decoded }) => ms - (decodeMs * (decoded - 1)) / Math.max(1, decoded),
  );
  // A model with random weights ends where it likes; the tokens that are missing are added at the pace of those that came.
  const long = rows.filter(({ decoded }) => decoded > 1 && decoded <= tokensEach);
  const whole = long.map(({ ms, decodeMs, decoded }) => ms + ((tokensEach - decoded) * decodeMs) / decoded);
  const wholeCount = long.filter(({ decoded }) => decoded === tokensEach).length;
  const middle = (values) => (values.length === 0 ? NaN : percentile(values, 0.5));
  return {
    ...{
      depth: rows[0]?.tokens ?? NaN,
      keys: rows.length,
      whole: middle(whole),
      wholeCount,
      longCount: long.length,
    },
    firstToken: middle(firstToken),
    perToken: middle(
      rows.filter(({ decoded }) => decoded > 1).map(({ decodeMs, decoded }) => decodeMs / decoded),
    ),
    computed: middle(rows.map(({ evaluated }) => evaluated)),
    firstSyncMs: first.ms,
  };
}

/** @param {{ root: string, modelPath: string, depths: number[], keys: number, log: (text: string) => void }} options */
export async function measureLarge({ root, modelPath, depths, keys, log }) {
  const settings = { modelPath, maxContextTokens: 16_384, kvMemoryMB: 1024, maxTokens: tokensEach };
  return withServer(settings, async (client) => {
    const probe = textOf(root, 3000);
    await client.open(uri, probe);
    const { tokens } = await complete(client, probe);
    await client.close(uri);
    const charactersPerToken = probe.length / tokens;
    const rows = [];
    for (const depth of depths) {
      rows.push(await measureDepth(client, root, { depth, charactersPerToken, keys }));
      log(`1.7b: ${depth} tokens deep`);
    }
    return rows;
  });
}
