/** The bars of the keystroke replay, by fixed ids: reports are compared over time. */
import { atMost } from '../../support/bars.mjs';

export const replayBars = {
  /** From the request until the answer is there, without the time for which the server waits on purpose: median, and 95 of 100. */
  'latency-embedded': atMost(50, 'ms'),
  'latency-embedded-p95': atMost(120, 'ms'),
  /** Medians with a model of the 1.7B shape: until its first token, and until all of a suggestion of 24 tokens in so much text. */
  'latency-1.7b': atMost(120, 'ms'),
  'latency-1.7b-4k': atMost(350, 'ms'),
  'latency-1.7b-13k': atMost(900, 'ms'),
  /** Of the extension host's thread in our code, a keystroke; 95 of 100. */
  'host-time': atMost(5, 'ms'),
  'tokens-per-char': atMost(3, 'tokens'),
  /** Computed for the first completion at another function, mean; and how many fewer completions are exactly right than cold. */
  jump: atMost(160, 'tokens'),
  'jump-em': atMost(2, '%'),
  /** Errors, requests without an answer, runs that go on, memory that grows. */
  'replay-hour': atMost(0, 'violations'),
};
