/** The bars of quality, by fixed ids: reports are compared over time. */
import { atLeast } from '../../support/bars.mjs';

export const qualityBars = {
  /** Exact matches at cursors anywhere in a line: the product over the better of the plain copy and the peer with its plain prompt. */
  'em-ratio': atLeast(1.15),
  /** The same, the product's model alone over the peer with the same file. */
  'em-model': atLeast(1.3),
  /** Of the suggestions shown, those that what stands behind the cursor confirms; at a coverage of a fifth at least. */
  precision: atLeast(50, '%'),
};
