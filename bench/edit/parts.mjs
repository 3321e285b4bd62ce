/** The parts in the order in which they run, with the bars that each owes. */
import * as apply from './parts/apply.mjs';
import * as hostile from './parts/hostile.mjs';
import * as lookup from './parts/lookup.mjs';
import * as nextEdit from './parts/nextEdit.mjs';
import * as rebase from './parts/rebase.mjs';

export const parts = [
  { name: 'apply', bars: ['apply'], run: apply.run },
  { name: 'rebase', bars: ['rebase'], run: rebase.run },
  { name: 'lookup', bars: ['lookup'], run: lookup.run },
  { name: 'next-edit', bars: ['next-edit'], run: nextEdit.run },
  { name: 'hostile', bars: ['hostile'], run: hostile.run },
];
