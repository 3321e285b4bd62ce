import type { SuggestionReport, SuggestionStatistics } from '#protocol';
import * as assert from 'node:assert/strict';
import { statisticsPage } from '../../../client/src/ui/statisticsPage';
import { whyPage } from '../../../client/src/ui/whyPage';

const report: SuggestionReport = {
  uri: 'file:///w/src/a.ts',
  languageId: 'typescript',
  position: { line: 11, character: 7 },
  suggestion: "push('x');",
  proposer: 'model',
  confidence: 0.634,
  by: 'run',
  strategy: 'suffixFirst',
  strategyReason: "The model's file names it (fim.template.spm).",
  parts: [
    { what: 'the form', source: '', characters: 10, tokens: 1 },
    { what: 'behind the cursor', source: 'src/a|b.ts', characters: 400, tokens: 99 },
  ],
  tokens: { all: 100, reused: 90, shared: 20, shifted: 0, computed: 10 },
  healed: 'pu',
  written: "push('x');\nmore",
  decodedTokens: 7,
  times: { debounce: 0, model: 0, prompt: 1.25, queue: 0, prefill: 20.5, decode: 10, decide: 0.1, total: 32 },
  proposals: [
    { proposer: 'model', text: "push('x');", confidence: 0.634, features: { meanLogprob: -0.123456 } },
    { proposer: 'copy', text: 'push(y);', features: {} },
  ],
  filters: [{ name: 'balance', outcome: 'kept' }],
};

describe('client: the page "Why this suggestion?"', () => {
  const page = whyPage(report);

  it('tells what, where, by whom and how sure', () => {
    assert.match(page, /Suggested: "push\('x'\);"/);
    assert.match(page, /line 12, column 8 \(typescript\)/);
    assert.match(page, /Proposed by: model\n- Confidence: 63 %/);
    assert.match(page, /suffixFirst\. The model's file names it/);
  });

  it('tells what was read and for how long, and leaves out what took no time', () => {
    assert.match(page, /\| behind the cursor \| src\/a\\\|b\.ts \| 400 \| 99 \|/);
    assert.match(
      page,
      /100 tokens: 90 had been read before \(20 of them computed for another file\), 10 were read now/,
    );
    assert.match(page, /\| reading the prompt \| 20\.5 \|/);
    assert.match(page, /\| all \| 32\.0 \|/);
    assert.ok(!page.includes('waiting for the model'));
  });

  it('tells every proposal with what its confidence is made of, and what filters did', () => {
    assert.match(
      page,
      /- model, confidence 63 %: "push\('x'\);"\n {2}- meanLogprob: -0\.123\n- copy: "push\(y\);"/,
    );
    assert.match(page, /The model wrote 7 tokens: "push\('x'\);\\nmore"/);
    assert.match(page, /- balance: kept/);
  });

  it('has nothing to tell of a prompt where none was made', () => {
    const nothing = whyPage({
      ...report,
      suggestion: '',
      proposer: '',
      parts: [],
      proposals: [],
      filters: [],
    });
    assert.match(nothing, /Suggested: nothing/);
    assert.ok(!nothing.includes('What the model read'));
    assert.match(nothing, /## Proposals\n\n- none/);
  });
});

describe('client: the statistics page', () => {
  const counts: SuggestionStatistics = {
    since: 0,
    requested: 200,
    returned: 50,
    suggestions: 20,
    accepted: 5,
    acceptedCharacters: 123,
    lookedAt: 4,
    kept: 3,
    keptCharacters: 99,
    partlyAccepted: 2,
    partlyAcceptedCharacters: 11,
    typedToTheEnd: 1,
  };

  it('has every figure, and names estimates so', () => {
    const page = statisticsPage(counts, 'en');
    assert.match(page, /requests +200\n/);
    assert.match(page, /suggestion +50 \(25 % of the requests/);
    assert.match(page, /accepted as a whole +5 \(25 % of the suggestions\), 123 characters/);
    assert.match(page, /30 seconds +3 of 4 \(75 %\), 99 characters/);
    assert.ok(page.indexOf('Estimates') < page.indexOf('accepted in part                2 times'));
    assert.match(page, /nothing is sent anywhere/);
  });

  it('divides nothing by nothing', () => {
    const empty = Object.fromEntries(Object.keys(counts).map((key) => [key, 0]));
    assert.ok(!/NaN|Infinity/.test(statisticsPage(empty as unknown as SuggestionStatistics)));
  });
});
