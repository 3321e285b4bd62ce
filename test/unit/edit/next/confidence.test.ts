/** What the model is asked about a place, and what its word is worth. */
import * as assert from 'node:assert/strict';
import { confidenceOf, gainOf, mayReach, type Candidate } from '../../../../server/src/edit/next';
import { ScriptedEngine, type ScriptedOptions } from '../../../../server/src/engine';
import { automaticChoice, ModelHost } from '../../../../server/src/models';
import { silentLog } from '../../../../server/src/util/log';
import { Sitting } from './support';

const text = 'const key = 1;\na(key);\nb(key);\nc(key);\n';

async function candidateIn(sitting: Sitting): Promise<Candidate> {
  const offer = await sitting.change('const key', 'const name');
  return offer?.candidate ?? assert.fail('nothing was offered');
}

async function scripted(options: ScriptedOptions) {
  const engine = new ScriptedEngine(options);
  const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
  assert.equal(await host.load(automaticChoice), '');
  return { engine, host };
}

describe('next edit: confidence', () => {
  it('grows with what the model says, up to a limit, and falls with it', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const at = (gain: number): number => confidenceOf(sitting.text, candidate, gain);
    assert.ok(at(-5) < at(0) && at(0) < at(5));
    assert.equal(at(50), at(100));
    assert.ok(at(-100) > 0 && at(100) < 1);
  });

  it('tells without the model what cannot be certain', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const best = confidenceOf(sitting.text, candidate, 100);
    assert.deepEqual(
      [mayReach(sitting.text, candidate, best), mayReach(sitting.text, candidate, best + 0.001)],
      [true, false],
    );
  });

  it('grows with how often the change was made, and where it is the only one in its line', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const { rule } = candidate;
    const withRule = (more: Partial<typeof rule>): number =>
      confidenceOf(sitting.text, { ...candidate, rule: { ...rule, ...more } }, 0);
    const { latest } = rule;
    assert.ok(withRule({ instances: [latest, latest] }) > withRule({ instances: [latest] }));
    assert.ok(withRule({ instances: [latest, latest, latest] }) > withRule({ instances: [latest, latest] }));
    assert.ok(withRule({ alone: true }) > withRule({ alone: false }));
    assert.ok(withRule({ inserted: 'keyOfAll' }) > withRule({ inserted: 'other' }));
  });

  it('asks the model about the line with the change and without, behind all that stands before it', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const { engine, host } = await scripted({});
    const document = { uri: sitting.uri, languageId: 'typescript', text: sitting.text, path: 'src/a.ts' };
    const gain = await gainOf(engine, host, document, candidate, new AbortController().signal);
    assert.equal(typeof gain, 'number');
    assert.equal(engine.runs.length, 2);
    const forced = engine.runs.map(({ request }) => request.forced ?? []);
    const [model] = [host.model ?? assert.fail()];
    const said = await Promise.all(forced.map((tokens) => engine.detokenize(model.handle, tokens)));
    assert.match(said[0] ?? '', /name\)/);
    assert.match(said[1] ?? '', /key\)/);
    assert.ok(engine.runs.every(({ prompt }) => prompt.startsWith('const name = 1;\n')));
    assert.ok(
      engine.runs.every(({ request }) => request.priority === 3),
      'in the background',
    );
  });

  it('shows the model the change where it is far from the place', async () => {
    const filler = Array.from({ length: 900 }, (_, i) => `call(${String(i)});\n`).join('');
    const sitting = new Sitting(`const key = 1;\n${filler}use(key);\n`);
    const candidate = await candidateIn(sitting);
    const { engine, host } = await scripted({});
    const document = { uri: sitting.uri, languageId: 'typescript', text: sitting.text, path: 'src/a.ts' };
    await gainOf(engine, host, document, candidate, new AbortController().signal);
    const run = engine.runs[0] ?? assert.fail('the model was not asked');
    assert.ok(run.prompt.startsWith('const name = 1;\n'));
    assert.ok(run.prompt.length < 7_000);
    assert.ok(!run.prompt.includes('call(1);'));
  });

  it('says nothing where no model is loaded, and loads none', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const engine = new ScriptedEngine({});
    const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
    host.expect(automaticChoice);
    const document = { uri: sitting.uri, languageId: 'typescript', text: sitting.text, path: 'src/a.ts' };
    assert.equal(await gainOf(engine, host, document, candidate, new AbortController().signal), undefined);
    assert.equal(host.state, 'asleep');
  });

  it('ends when somebody else needs the time', async () => {
    const sitting = new Sitting(text);
    const candidate = await candidateIn(sitting);
    const { engine, host } = await scripted({ prefillMsPerToken: 20 });
    const document = { uri: sitting.uri, languageId: 'typescript', text: sitting.text, path: 'src/a.ts' };
    const controller = new AbortController();
    const asked = gainOf(engine, host, document, candidate, controller.signal);
    setTimeout(() => {
      controller.abort();
    }, 30);
    await assert.rejects(asked, /cancel/i);
    assert.deepEqual((await engine.jobs((host.model ?? assert.fail()).handle)).jobs, []);
  });
});
