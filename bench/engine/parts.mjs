/** The parts in the order in which they run, with the bars that each owes. */
import { bars } from './bars.mjs';
import { busy } from './parts/busy.mjs';
import { cancel } from './parts/cancel.mjs';
import { decode } from './parts/decode.mjs';
import { grid } from './parts/grid.mjs';
import { load } from './parts/load.mjs';
import { lookup } from './parts/lookup.mjs';
import { prefill } from './parts/prefill.mjs';
import { quality } from './parts/quality.mjs';

const matching = (pattern) => Object.keys(bars).filter((id) => pattern.test(id));

export const parts = [
  { name: 'decode', bars: matching(/^decode-/), run: decode },
  { name: 'prefill', bars: matching(/^prefill512-/), run: prefill },
  { name: 'load', bars: ['load-8b'], run: load },
  { name: 'busy', bars: ['busy-1.7b'], run: busy },
  { name: 'cancel', bars: ['cancel-8b'], run: cancel },
  { name: 'quality', bars: matching(/^(kl|top1|top1-margin)-embedded$/), run: quality },
  { name: 'lookup', bars: ['lookup'], run: lookup },
  { name: 'grid', bars: [], run: grid },
];
