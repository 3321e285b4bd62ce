/** The report for people: Markdown tables. */
import { median } from '../engine/figures.mjs';
import { ratios } from './parts/attention.mjs';
import { printBars, printHead } from '../support/report.mjs';
import { printRows } from '../support/table.mjs';

const small = (value) =>
  value === 0 ? '0' : Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(4);
const percent = (value) => `${value.toFixed(2)} %`;
const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);

function printQuality({ rows, twinProof, twinFloor32, twinFloor16, windows, context }) {
  console.log(
    `\nNext-token distributions against the fp16 cache, ${windows} windows of ${context} tokens. The twin against the model, in floats ` +
      `throughout: mean KL ${small(twinProof.kl)}, most ${small(twinProof.klMax)} (${twinProof.positions} positions); with the usual ` +
      `kernels: ${small(twinFloor32.kl)} with a cache of floats, ${small(twinFloor16.kl)} with fp16.\n`,
  );
  printRows([
    ['model', 'cache', 'bits', 'mean KL', '99.9 %', 'most', 'top-1', 'top-1, clear', 'perplexity', 'n'],
    ...rows.map((row) => [
      row.model,
      row.what,
      row.bits.toFixed(2),
      `${small(row.kl)} ± ${small(row.klError)}`,
      small(row.kl999),
      small(row.klMax),
      percent(row.top1),
      percent(row.top1Clear),
      `${row.perplexityChange >= 0 ? '+' : ''}${row.perplexityChange.toFixed(2)} %`,
      String(row.positions),
    ]),
  ]);
}

function printFree({ rows }) {
  console.log(
    '\nTexts of its own: tokens until the first that fp16 would not have written, and what fp16 thinks of them.\n',
  );
  printRows([
    ['model', 'cache', 'texts', 'agreed (mean)', 'agreed (median)', 'to the end', 'mean log p'],
    ...rows.map((row) => [
      ...[row.model, row.what, String(row.texts)],
      ...[`${row.agreedMean.toFixed(0)} of ${row.tokens}`, row.agreedMedian.toFixed(0), String(row.whole)],
      row.logprob.toFixed(3),
    ]),
  ]);
}

function printPasskey({ cells }) {
  const ids = Object.keys(cells.find(({ signal }) => signal)?.right ?? {});
  console.log(
    '\nNames found again among four that are nearly the same. "no signal": with a cache of floats no better than guessing.\n',
  );
  printRows([
    ['model', 'length', 'depth', 'trials', 'floats', ...ids],
    ...cells.map((cell) => [
      ...[cell.model, String(cell.length), String(cell.depth), String(cell.trials)],
      cell.signal ? String(cell.exact) : `${cell.exact}: no signal`,
      ...ids.map((id) => (cell.signal ? String(cell.right[id]) : '')),
    ]),
  ]);
}

function printBytes({ rows }) {
  console.log('\nThe 8B shape (36 layers, 8 kv heads of 128), MiB.\n');
  printRows([
    ['cache', 'tokens', 'by its own account', 'resident', 'fp16, computed'],
    ...rows.map((row) => [
      ...[row.codec, String(row.tokens), mib(row.allocated), mib(row.resident), mib(row.formulaF16)],
    ]),
  ]);
}

function printAttention({ rows }) {
  console.log(
    '\nAttention of one token in one layer of the 8B shape, one thread, milliseconds of its processor time (and fp16 over it).\n',
  );
  const codecs = Object.keys(rows[0].milliseconds);
  printRows([
    ['kernels', 'tokens', ...codecs],
    ...rows.map((row) => {
      const faster = ratios(row);
      return [
        ...[row.kernels, String(row.depth)],
        ...codecs.map((codec) => {
          const time = median(row.milliseconds[codec]).toFixed(3);
          return codec in faster ? `${time} (${faster[codec].toFixed(2)}x)` : time;
        }),
      ];
    }),
  ]);
}

function printPeer({ rows }) {
  console.log(
    '\nDecoding in depth, milliseconds a token: ours over the whole way to JavaScript, llama.cpp alone (one llama_decode a token, nothing sampled).\n',
  );
  printRows([
    ['model', 'layers', 'tokens', 'cache and threads', 'ms a token', 'quickest', 'all'],
    ...rows.map(({ model, layers, depth, id, ms, quickest, all, composed }) => [
      ...[model, layers === undefined ? `whole${composed ? ', composed' : ''}` : String(layers)],
      ...[String(depth), id, ...[ms, quickest].map((one) => one?.toFixed(2) ?? 'unknown')],
      (all ?? []).map((one) => one.toFixed(2)).join(' '),
    ]),
  ]);
}

function printEncode({ rows }) {
  console.log(
    '\nA prompt of the 1.7B shape: what making codes costs of it. Sealing and rotating (what storing takes longer than with f16) by processor time.\n',
  );
  printRows([
    [
      'tokens',
      'threads',
      'ms',
      'sealing',
      'rotating',
      'of the time',
      "of the processor's",
      'kv4 takes longer than f16',
    ],
    ...rows.map((row) => [
      ...[String(row.tokens), String(row.threads), row.milliseconds.toFixed(0), percent(row.sealing)],
      ...[percent(row.rotating), percent(row.wall), percent(row.processor)],
      `${row.longer >= 0 ? '+' : ''}${percent(row.longer)}`,
    ]),
  ]);
}

const printers = {
  quality: printQuality,
  free: printFree,
  passkey: printPasskey,
  bytes: printBytes,
  attention: printAttention,
  encode: printEncode,
  peer: printPeer,
};

export function printReport(report) {
  printHead(report);
  for (const [name, print] of Object.entries(printers)) {
    if (report.tables[name] !== undefined) {
      print(report.tables[name]);
    }
  }
  printBars(report, (value) => (Math.abs(value) < 0.1 ? small(value) : value.toFixed(2)));
}
