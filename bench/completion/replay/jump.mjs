/**
 * Going to another function of the same file: what a completion there has to compute, and whether it says the same as one that has
 * computed everything. Files from which lines are missing; each line is begun at its place, in an order that jumps to and fro, and
 * written to its end before the next one is begun.
 */
import { ownFiles } from './history.mjs';
import { Random } from './random.mjs';
import { loadCore, openCompleter } from './core.mjs';
import { mean, percentile } from './latency.mjs';

const never = new AbortController().signal;

/** Lines that tell something: a beginning of some length, and a rest of 4 to 24 characters that begins with a word. */
function cutsOf(text, random) {
  const cuts = [];
  let at = 0;
  for (const line of text.split('\n')) {
    const from = at;
    at += line.length + 1;
    const ends = [...line.matchAll(/\b\w/g)].map(({ index }) => index);
    const good = ends.filter(
      (end) => line.slice(0, end).trim().length >= 8 && line.length - end >= 4 && line.length - end <= 24,
    );
    if (good.length > 0 && !/^\s*(?:\/\/|\*|\/\*)/.test(line)) {
      const cut = random.pick(good);
      cuts.push({ from, begun: line.slice(0, cut), rest: line.slice(cut), end: from + line.length + 1 });
    }
  }
  return cuts;
}

/** Places of a file, at least so many lines apart, in an order in which none is near the one before. */
function placesOf(text, random, most) {
  const cuts = cutsOf(text, random);
  const places = [];
  for (let i = random.below(4); i < cuts.length && places.length < most; i += 1 + random.below(4)) {
    places.push(cuts[i]);
  }
  return places
    .map((place) => ({ place, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ place }) => place);
}

/** The text with the lines that are written by now, with the begun one, and the offset behind it. */
function stage(text, places, written, begun) {
  let shown = '';
  let from = 0;
  let offset = 0;
  for (const place of [...places].sort((a, b) => a.from - b.from)) {
    shown += text.slice(from, place.from);
    from = place.end;
    if (place === begun) {
      shown += place.begun;
      offset = shown.length;
      shown += '\n';
    } else if (written.has(place)) {
      shown += text.slice(place.from, place.end);
    }
  }
  return { text: shown + text.slice(from), offset };
}

const firstLine = (suggestion) => (suggestion?.text ?? '').split('\n')[0];

/**
 * @param {object} places of the product's parts: { root, addonPath, selfTestChild }
 * @param {{ jumps: number, perFile?: number, seed?: number, modelPath: string, log?: (text: string) => void }} options
 */
export async function measureJumps(parts, { jumps, perFile = 12, seed = 5, modelPath, log }) {
  const core = await loadCore(parts.root);
  const warm = await openCompleter(core, { ...parts, modelPath });
  const cold = await openCompleter(core, { ...parts, modelPath });
  const random = new Random(seed);
  // Files that a context holds: in longer ones a jump may leave what the model has seen at all.
  const files = ownFiles(parts.root).filter(({ text }) => text.length > 2000 && text.length < 5500);
  const rows = [];
  try {
    // Round by round, with other places and under other names, until there are enough.
    for (let i = 0; rows.length < jumps; i += 1) {
      const file = files[i % files.length];
      const uri = `file:///w/${Math.floor(i / files.length)}/${file.path}`;
      const places = placesOf(file.text, random, perFile);
      const written = new Set();
      let version = 0;
      let warmedBefore = warm.completer.counters.snapshot().tokensWarmed;
      for (const place of places) {
        if (rows.length >= jumps) {
          break;
        }
        version += 1;
        const now = stage(file.text, places, written, place);
        const request = {
          document: {
            uri,
            path: file.path,
            languageId: 'typescript',
            version,
            text: now.text,
          },
          ...{ offset: now.offset, maxTokens: 32, minConfidence: 0, only: 'model' },
        };
        const counters = warm.completer.counters.snapshot();
        const ours = await warm.completer.complete(request, never);
        const after = warm.completer.counters.snapshot();
        const theirs = await cold.completer.complete(
          { ...request, document: { ...request.document, uri: `${request.document.uri}?${version}` } },
          never,
        );
        await cold.completer.forget(`${request.document.uri}?${version}`);
        if (written.size > 0) {
          rows.push({
            warmed: counters.tokensWarmed - warmedBefore,
            computed: after.tokensEvaluated - counters.tokensEvaluated,
            tokens:
              after.tokensReused + after.tokensEvaluated - counters.tokensReused - counters.tokensEvaluated,
            right: firstLine(ours) === place.rest,
            coldRight: firstLine(theirs) === place.rest,
            same: ours?.text === theirs?.text,
          });
        }
        warmedBefore = counters.tokensWarmed;
        written.add(place);
        // The line is written to its end, and its author looks up before going on: the server has time to compute exactly what it has moved.
        const done = stage(file.text, places, written, undefined);
        version += 1;
        await warm.completer.warm(
          {
            document: { ...request.document, version, text: done.text },
            ...{ offset: now.offset + place.rest.length, maxTokens: 32 },
          },
          never,
        );
      }
      await warm.completer.forget(uri);
      if ((i + 1) % 10 === 0) {
        log?.(`jumps: ${rows.length} of ${jumps}`);
      }
    }
  } finally {
    await warm.engine.dispose();
    await cold.engine.dispose();
  }
  const computed = rows.map((row) => row.computed);
  const count = (name) => rows.filter((row) => row[name]).length;
  const alone = (name, other) => rows.filter((row) => row[name] && !row[other]).length;
  return {
    ...{
      jumps: rows.length,
      files: files.length,
      mean: mean(computed),
      tokens: mean(rows.map((row) => row.tokens)),
    },
    ...{ p50: percentile(computed, 0.5), p95: percentile(computed, 0.95), worst: Math.max(...computed) },
    warmed: mean(rows.map((row) => row.warmed)),
    ...{ right: count('right'), coldRight: count('coldRight'), same: count('same') },
    ...{ onlyCold: alone('coldRight', 'right'), onlyWarm: alone('right', 'coldRight') },
  };
}
