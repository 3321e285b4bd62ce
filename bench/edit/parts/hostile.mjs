/** Texts, answers, changes and paths that edits and new files could do harm with: any harm counts. */
import { runHostilePaths } from '../hostilePaths.mjs';
import {
  tryBytes,
  tryCuts,
  tryDocuments,
  tryEdits,
  tryFloods,
  tryMidStream,
  tryRepeated,
} from '../hostileTexts.mjs';
import { editCore, pathCheck, taggedMerge } from '../sources.mjs';

const titles = {
  documents: 'documents that are unlike others',
  cuts: 'answers, cut at every byte',
  nested: 'markers left out, doubled, moved, nested',
  floods: 'answers and texts without measure',
  repeated: 'texts that stand in many places',
  bytes: 'files in other encodings, or none',
  'mid-stream': 'documents that change while an answer is written',
  edits: 'edits that are none of the text',
  paths: 'paths of new files',
};

export async function run(context, report) {
  const core = editCore();
  const counts = Object.fromEntries(Object.keys(titles).map((kind) => [kind, { cases: 0, harm: 0 }]));
  const list = [];
  for (const cases of [
    tryDocuments(core),
    tryCuts(core),
    tryFloods(core),
    tryRepeated(core),
    tryBytes(core),
    tryMidStream(core, taggedMerge()),
    tryEdits(core),
  ]) {
    for (const { kind, label, harm } of cases) {
      counts[kind].cases += 1;
      if (harm !== '') {
        counts[kind].harm += 1;
        list.push(`${titles[kind]}: ${label}: ${harm}`);
      }
    }
  }
  // Refusing a good path is no harm, but a check that refuses all would show nothing.
  const paths = await runHostilePaths(pathCheck());
  const all = [...paths.harm, ...paths.wrong];
  counts.paths = { cases: paths.cases, harm: all.length };
  list.push(...all.map((harm) => `${titles.paths}: ${harm}`));
  report.tables.hostile = {
    title: 'What could do harm',
    rows: [
      ['what', 'tried', 'did harm'],
      ...Object.entries(counts).map(([kind, { cases, harm }]) => [titles[kind], String(cases), String(harm)]),
    ],
    list,
  };
  const total = Object.values(counts).reduce((sum, { cases }) => sum + cases, 0);
  report.bar('hostile', list.length, `of ${total}`);
}
