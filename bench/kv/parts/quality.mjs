/**
 * Does the compressed cache say the same? The embedded model and its outlier twin (native/bench/kv/twin.h), every codec and every
 * ablation against the fp16 cache on a text that the calibration has not seen; texts that the model writes on its own; a grid of
 * names to be found again.
 */
import { runProgram } from '../program.mjs';
import { judgeQuality } from '../verdicts.mjs';

/** Whose own texts are compared, and who looks for names. */
const codecs = ['f16', 'kv8', 'kv4', 'kv43', 'kv3', 'q4_0-h', 'q4_0-hm', 'k2v2'];

export async function quality({ program, models, texts, threads, quick, log }, report) {
  const common = {
    ...{ model: models.embedded, calibrate: texts.calibrate.path, report: texts.report.path },
    threads,
  };
  const table = await runProgram(program, 'quality', { ...common, windows: quick ? 4 : 12 });
  report.tables.quality = table;
  for (const [id, { value, note }] of Object.entries(judgeQuality(table.rows))) {
    report.bar(id, value, note);
  }
  log('quality: texts of its own …');
  const rows = codecs.join(',');
  report.tables.free = await runProgram(program, 'free', { ...common, rows, texts: quick ? 8 : 32 });
  log('quality: names …');
  report.tables.passkey = await runProgram(program, 'passkey', {
    ...{ ...common, rows },
    ...(quick ? { pages: '2,8', depths: '0.5,1' } : { pages: '2,4,8,15', depths: '0.1,0.5,0.9,1' }),
  });
}
