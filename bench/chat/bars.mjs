/** What chat has to hold, by fixed ids: reports are compared over time. */
import { atLeast, atMost } from '../support/bars.mjs';

/** By id. */
export const bars = {
  /** Prompts that are not, character for character, what Python's Jinja2 makes of the same conversation. */
  render: atMost(0, 'different'),
  'render-conversations': atLeast(40, 'conversations'),
  /** Token lists that are not those of the whole reference text. */
  'render-tokens': atMost(0, 'different'),
  /** Prompts in which a text has changed special tokens or anything beside itself. */
  'hostile-prompt': atMost(0, 'changed'),
  /** Tool calls under masks, of the embedded model and of one with weights at random, that ended, parsed and were valid. */
  masks: atLeast(250, 'of 250'),
  /** What the tokens of an answer take longer with masks than without, with Qwen's number of tokens. */
  'mask-cost': atMost(4, 'ms a token'),
  /** Inputs of others that did something, in the page or in a prompt. Both parts must have run. */
  hostile: atMost(0, 'inputs'),
  /** Inputs of others that did something in the page. */
  'hostile-page': atMost(0, 'did something'),
  /** The longest frame while an answer of 10,000 tokens comes in. */
  smooth: atMost(50, 'ms'),
  /** Turns that computed more of their prompt than what was new in it. */
  turns: atMost(0, 'over'),
};
