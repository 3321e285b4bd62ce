/**
 * What is suggested does not get worse: the completer with the real engine and the embedded model, at a fixed set of cursors in the
 * sample project. Results do not depend on the machine (the numerics contract), so a number that is lower is a change for the worse.
 * With NIWAKI_UPDATE_BASELINE=1 what is found becomes the baseline; look at what it was before.
 */
import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCuts, type Cut, type SourceFile } from '../../bench/completion/quality/cuts.mjs';
import { confirmed, exact, firstLine, similarity } from '../../bench/completion/quality/metrics.mjs';
import { Completer, defaultGate, type CompletionRequest, type Suggestion } from '../../server/src/completion';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import type { EnginePort } from '../../server/src/engine/port';
import { automaticChoice, ModelHost } from '../../server/src/models';
import { addonPath, modelPath, needAddon, root } from './support';

const baselinePath = join(root, 'test', 'golden', 'quality-baseline.json');
const folder = join(root, 'test', 'fixtures', 'sample-project');
const sources = [
  ['src/inventory.ts', 'typescript'],
  ['src/orders.ts', 'typescript'],
  ['tools/report.py', 'python'],
  ['native/ring_buffer.h', 'cpp'],
] as const;
const counts = { rest: 40, next: 20 } as const;
const ways = ['whole', 'model', 'copy'] as const;
type Way = (typeof ways)[number];

/** Of all cursors; `similarity` is the mean. */
interface Quality {
  readonly exact: number;
  readonly confirmed: number;
  readonly similarity: number;
  /** Of what the default gate lets through. */
  readonly shown: number;
  readonly shownConfirmed: number;
}

interface Baseline {
  /** Of the files and the cursors in them. */
  readonly sha256: string;
  readonly cursors: number;
  readonly quality: Readonly<Record<Way, Quality>>;
}

function cursors(): Cut[] {
  const files: SourceFile[] = sources.map(([path, language]) => {
    const file = join(folder, path);
    return {
      ...{ source: 'sample-project', language, path, file },
      text: readFileSync(file, 'utf8').replaceAll('\r\n', '\n'),
    };
  });
  return [...makeCuts(files, 'rest', counts.rest), ...makeCuts(files, 'next', counts.next)];
}

function hashOf(cuts: readonly Cut[]): string {
  const hash = createHash('sha256');
  for (const { text, offset, expected } of cuts) {
    hash.update(JSON.stringify([text, offset, expected]));
  }
  return hash.digest('hex').slice(0, 16);
}

class Bench {
  private readonly engine: EnginePort;
  private readonly host: ModelHost;
  private documents = 0;

  constructor() {
    this.engine = createNativeEngine({ addonPath });
    const log = { info: () => undefined, warn: console.warn, error: console.error };
    this.host = new ModelHost({ engine: this.engine, embeddedPath: modelPath, log });
  }

  async load(): Promise<void> {
    assert.equal(await this.host.load(automaticChoice), '');
  }

  /** As in a file that was just opened. No trees: how long one is waited for depends on the machine. */
  private async suggest(cut: Cut, way: Way): Promise<Suggestion | undefined> {
    this.documents += 1;
    const completer = new Completer(this.engine, this.host);
    const uri = `file:///${String(this.documents)}/${cut.path}`;
    const request: CompletionRequest = {
      document: { uri, path: cut.path, languageId: cut.language, version: 1, text: cut.text },
      ...{ offset: cut.offset, maxTokens: 64, minConfidence: 0 },
      ...(way === 'whole' ? {} : { only: way }),
    };
    try {
      return await completer.complete(request, new AbortController().signal);
    } finally {
      await completer.forget(uri);
    }
  }

  async measure(cuts: readonly Cut[], way: Way): Promise<Quality> {
    const sum = { exact: 0, confirmed: 0, similarity: 0, shown: 0, shownConfirmed: 0 };
    for (const cut of cuts) {
      const { text = '', confidence = 0 } = (await this.suggest(cut, way)) ?? {};
      const kept = confirmed(text, cut.follows) ? 1 : 0;
      const shown = text !== '' && confidence >= defaultGate ? 1 : 0;
      sum.exact += exact(text, cut.expected) ? 1 : 0;
      sum.confirmed += kept;
      sum.similarity += similarity(firstLine(text), cut.expected);
      sum.shown += shown;
      sum.shownConfirmed += shown * kept;
    }
    return { ...sum, similarity: Number((sum.similarity / cuts.length).toFixed(4)) };
  }

  dispose(): Promise<void> {
    return this.engine.dispose();
  }
}

describe('the quality of suggestions', function () {
  this.timeout(600_000); // seconds, on a machine that does nothing else
  const bench = new Bench();
  const cuts = cursors();
  const found: Partial<Record<Way, Quality>> = {};
  const update = process.env['NIWAKI_UPDATE_BASELINE'] === '1';
  const baseline = update ? undefined : (JSON.parse(readFileSync(baselinePath, 'utf8')) as Baseline);

  before(async () => {
    needAddon();
    await bench.load();
  });
  after(async () => {
    await bench.dispose();
    if (update) {
      const written = { sha256: hashOf(cuts), cursors: cuts.length, quality: found };
      writeFileSync(baselinePath, `${JSON.stringify(written, null, 2)}\n`);
    }
  });

  it('is measured at the cursors of the baseline', () => {
    assert.equal(cuts.length, counts.rest + counts.next);
    if (baseline !== undefined) {
      const why = 'the sample project has changed: NIWAKI_UPDATE_BASELINE=1 makes a new baseline';
      assert.equal(hashOf(cuts), baseline.sha256, why);
    }
  });

  for (const way of ways) {
    it(`is not below the baseline: ${way}`, async () => {
      const now = await bench.measure(cuts, way);
      found[way] = now;
      console.log(`      ${way}: ${JSON.stringify(now)}`);
      if (baseline === undefined) {
        return;
      }
      const then = baseline.quality[way];
      const said = `${JSON.stringify(now)}, baseline ${JSON.stringify(then)}`;
      assert.ok(now.exact >= then.exact, `fewer exact matches: ${said}`);
      assert.ok(now.confirmed >= then.confirmed, `fewer confirmed suggestions: ${said}`);
      assert.ok(now.similarity >= then.similarity - 0.005, `less similar: ${said}`);
      // What the gate lets through may be less where it is surer.
      const precision = ({ shown, shownConfirmed }: Quality): number => shownConfirmed / Math.max(1, shown);
      assert.ok(
        now.shownConfirmed >= then.shownConfirmed || precision(now) > precision(then),
        `shows less of what is right, and no less of what is wrong: ${said}`,
      );
    });
  }
});
