/** The parts in the order in which they run, with the bars that each owes. */
import * as hostilePrompt from './parts/hostilePrompt.mjs';
import * as masks from './parts/masks.mjs';
import * as page from './parts/page.mjs';
import * as render from './parts/render.mjs';
import * as turns from './parts/turns.mjs';

export const parts = [
  { name: 'render', bars: ['render', 'render-conversations', 'render-tokens'], run: render.run },
  { name: 'hostile-prompt', bars: ['hostile-prompt'], run: hostilePrompt.run },
  { name: 'masks', bars: ['masks', 'mask-cost'], run: masks.run },
  { name: 'page', bars: ['hostile', 'hostile-page', 'smooth'], run: page.run },
  { name: 'turns', bars: ['turns'], run: turns.run },
];
