#!/usr/bin/env node
/**
 * Writes models/calibration.txt: what a model reads while its keys' statistics are taken (docs/MODELS.md). Excerpts of this project's
 * own sources and pages in several languages, so that nobody else's text is shipped. Two pages with a form feed between them: the first
 * is for calibrating, the second for measuring, so each has some of everything and nothing of the other.
 *
 * The sources go on changing; the text need not follow. Whoever runs this again runs scripts/make-nano-calibration.mjs after it.
 *
 *   node scripts/make-calibration-text.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runMain } from './setup.mjs';

/** Where an excerpt begins, and how many lines it has. */
const halves = [
  [
    ['server/src/completion/fit.ts', '/** Fits generated text', 50],
    ['docs/ARCHITECTURE.md', '## Bird', 18],
    ['native/src/engine/stop_text.cc', '#include', 48],
    ['test/fixtures/sample-project/tools/report.py', '', 38],
    ['package.json', '"configuration": {', 24],
    ['README.md', '# Niwaki', 12],
    ['client/src/features/toggle.ts', '', 22],
  ],
  [
    ['native/src/engine/suffix_index.cc', '#include', 44],
    ['docs/MODELS.md', '## Tokenizers', 16],
    ['server/src/util/throttle.ts', '', 39],
    ['test/fixtures/sample-project/tools/report.py', 'def best_item', 38],
    ['server/src/prompt/healing.ts', '', 30],
    ['test/fixtures/sample-project/native/ring_buffer.h', '', 40],
    ['docs/TESTING.md', '## The real VS Code', 14],
    ['scripts/setup.mjs', '/**', 24],
  ],
];

function excerpt([path, from, count]) {
  const text = readFileSync(join(root, path), 'utf8');
  const at = text.indexOf(from);
  if (at < 0) {
    throw new Error(`${path} no longer has "${from}": choose another place to begin.`);
  }
  return `${text.slice(at).split('\n').slice(0, count).join('\n').trimEnd()}\n`;
}

await runMain(() => {
  const text = halves
    .map((pieces) => pieces.map((piece) => `=== ${piece[0]}\n${excerpt(piece)}`).join('\n'))
    .join('\f\n');
  writeFileSync(join(root, 'models', 'calibration.txt'), text);
  console.log(`models/calibration.txt: ${String(text.length)} characters`);
});
