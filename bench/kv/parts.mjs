/** The parts in the order in which they run, with the bars that each owes. */
import { attention } from './parts/attention.mjs';
import { bytes } from './parts/bytes.mjs';
import { encode } from './parts/encode.mjs';
import { peer } from './parts/peer.mjs';
import { prefix } from './parts/prefix.mjs';
import { quality } from './parts/quality.mjs';
import { prefixBars } from './bars.mjs';

export const parts = [
  {
    name: 'quality',
    bars: ['kl-kv8', 'kl-kv4', 'top1-kv4', 'top1-clear-kv4', 'ablations'],
    run: quality,
  },
  { name: 'bytes', bars: ['bytes-8b-32k'], run: bytes },
  {
    name: 'attention',
    bars: ['attn-8k', 'attn-32k', 'attn-8k-avx2', 'attn-32k-avx2', 'never-slower'],
    run: attention,
  },
  { name: 'encode', bars: ['encode'], run: encode },
  {
    name: 'peer',
    bars: [
      ...['fp16-path', 'decode-8k-q4_0-1.7b', 'decode-8k-f16-1.7b'],
      ...['decode-8k-q4_0-8b', 'decode-8k-f16-8b'],
    ],
    run: peer,
  },
  { name: 'prefix', bars: Object.keys(prefixBars), run: prefix },
];
