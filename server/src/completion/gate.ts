/**
 * How sure a suggestion must be to be shown: the confidence is the probability that the line goes on exactly like that. Suggestions that
 * are wrong cost more than those that are right are worth, so what is rather wrong is not shown unless the user wants more.
 */
import type { Eagerness } from '#protocol';

export const gates: Readonly<Record<Eagerness, number>> = { fewer: 0.5, balanced: 0.25, more: 0 };

export const defaultGate = gates.balanced;
