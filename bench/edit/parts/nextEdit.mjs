/**
 * Whether what is offered next is what the next change is: the commits of this project's history are made again, change by change, and after each it
 * is asked what comes next. Half of the commits (their hash begins with an even digit) were what the confidence was fitted to; the bar is of
 * the others. Every offer counts: those after changes that nothing repeats, too.
 */
import { askHalfway } from '../nextEdit/halfway.mjs';
import { fileHistories } from '../nextEdit/history.mjs';
import { openModel, openSyntax, nextEditSources } from '../nextEdit/product.mjs';
import { Replay } from '../nextEdit/replay.mjs';

const languages = { ts: 'typescript', mjs: 'javascript', cc: 'cpp', h: 'cpp' };
const thresholds = [0.5, 0.6, 0.7, 0.75, 0.8];
/** One file in so many, with --quick. */
const quickStep = 8;

const isFitted = ({ commit }) => Number.parseInt(commit[0], 16) % 2 === 0;
const percent = (part, whole) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(0)} %`);

/** All files, with a least confidence: { asked, repeats, covered, offers } of each half. */
async function replay(context, { next, syntax, judge, least, files }) {
  const none = () => ({ asked: 0, repeats: 0, covered: 0, offers: [], rests: { asked: 0, offers: 0 } });
  const halves = { fitted: none(), held: none() };
  const typed = least === next.leastConfidence;
  for (const [i, file] of files.entries()) {
    const uri = `file:///replay/${least}/${i}`;
    const edits = new next.NextEdits({ trees: syntax, judge: judge(file), least });
    const { signal } = new AbortController();
    const one = new Replay(next, { ...file, language: languages[file.path.split('.').pop()] });
    if (!one.usable) {
      continue;
    }
    edits.opened(uri, file.before);
    const half = halves[isFitted(file) ? 'fitted' : 'held'];
    const ask = (document, cursor) => edits.next({ ...document, uri }, cursor, signal);
    const result = await one.run(
      typed ? askHalfway(next, file.before, ask, half.rests) : ask,
      ({ before, text }) => edits.decline(uri, { removed: before, inserted: text }),
    );
    syntax.forget(uri);
    half.asked += result.asked;
    half.repeats += result.repeats;
    half.covered += result.covered;
    half.offers.push(...result.offers.map((offer) => ({ ...offer, file })));
    if (i % 200 === 0) {
      context.log(`next-edit: least ${least}, file ${i} of ${files.length}`);
    }
  }
  return halves;
}

function summary({ asked, repeats, covered, offers }) {
  const hits = offers.filter(({ hit }) => hit).length;
  return [
    ...[String(asked), String(repeats), String(offers.length), String(hits)],
    ...[percent(hits, offers.length), percent(covered, repeats)],
  ];
}

/** Offers of one change stand and fall together: { changes, right, commits }; a change is right when all of its offers are. */
function distinct(offers) {
  const changes = new Map();
  for (const { offer, file, hit } of offers) {
    const key = `${file.commit}\0${offer.before}\0${offer.text}`;
    changes.set(key, hit && changes.get(key) !== false);
  }
  return {
    changes: changes.size,
    right: [...changes.values()].filter(Boolean).length,
    commits: new Set(offers.map(({ file }) => file.commit)).size,
  };
}

const kindOf = ({ offer }) =>
  offer.candidate.rule.kind === 'rename'
    ? `a name (${offer.candidate.why}), ${offer.candidate.rule.instances.length === 1 ? 'once' : 'more often'}`
    : 'tokens in the same surroundings';

function inWords({ offer, file, hit }) {
  return `${hit ? 'right' : 'wrong'}: ${file.commit.slice(0, 7)} ${file.path} \`${offer.before}\` → \`${offer.text}\` (${offer.confidence.toFixed(2)})`;
}

export async function run(context, report) {
  const all = fileHistories(context.root);
  if (all === undefined) {
    throw new Error('There is no git history to replay.');
  }
  const files = context.quick ? all.filter((_, i) => i % quickStep === 0) : all;
  const next = nextEditSources();
  const syntax = openSyntax(context.root);
  const { engine, host } = await openModel(context);
  // What was computed for a place is the same at every threshold.
  const known = new Map();
  const gain = async (file, document, candidate) => {
    const key = `${file.commit} ${file.path} ${candidate.start} ${candidate.rule.inserted} ${document.text}`;
    if (!known.has(key)) {
      const { signal } = new AbortController();
      known.set(
        key,
        (await next.gainOf(engine, host, { ...document, path: file.path }, candidate, signal)) ?? 0,
      );
    }
    return known.get(key);
  };
  const withModel = (file) => async (document, candidate) =>
    next.confidenceOf(document.text, candidate, await gain(file, document, candidate));
  const without = () => (document, candidate) =>
    Promise.resolve(next.confidenceOf(document.text, candidate, 0));
  const rows = [
    ['least confidence', 'model', 'half', 'asked', 'repeats', 'offers', 'right', 'precision', 'coverage'],
  ];
  let shipped;
  try {
    for (const [judge, words] of [
      [withModel, 'confirms'],
      [without, 'is not asked'],
    ]) {
      for (const least of thresholds) {
        const halves = await replay(context, { next, syntax, judge, least, files });
        rows.push(
          [String(least), words, 'fitted', ...summary(halves.fitted)],
          [String(least), words, 'held out', ...summary(halves.held)],
        );
        shipped = least === next.leastConfidence && judge === withModel ? halves : shipped;
      }
    }
  } finally {
    syntax.dispose();
    await engine.dispose();
  }
  const { offers, repeats, covered, rests } = shipped.held;
  const each = distinct(offers);
  const hits = offers.filter(({ hit }) => hit).length;
  const kinds = [...new Set(offers.map(kindOf))].sort().map((kind) => {
    const some = offers.filter((offer) => kindOf(offer) === kind);
    const right = some.filter(({ hit }) => hit).length;
    return [kind, String(some.length), String(right), percent(right, some.length)];
  });
  report.tables.nextEdit = {
    title: `next-edit: ${files.length} changes of files in ${new Set(files.map(({ commit }) => commit)).size} commits, made again`,
    rows,
  };
  report.tables.nextEditKinds = {
    title: `next-edit: by kind, held out, at ${next.leastConfidence}`,
    rows: [['what was changed', 'offers', 'right', 'precision'], ...kinds],
    list: offers.filter(({ hit }) => !hit).map(inWords),
  };
  report.tables.nextEditDistinct = {
    title: `next-edit: held out, at ${next.leastConfidence}, each change once`,
    rows: [
      ['changes', 'of commits', 'right throughout', 'precision', 'rests in a name', 'offers then'],
      [
        ...[String(each.changes), String(each.commits), String(each.right)],
        ...[percent(each.right, each.changes), String(rests.asked), String(rests.offers)],
      ],
    ],
  };
  report.bar(
    'next-edit',
    offers.length === 0 ? 0 : hits / offers.length,
    `${hits} of ${offers.length} offers, of ${each.changes} changes; ${covered} of ${repeats} repeats were offered (${percent(covered, repeats)})`,
  );
}
