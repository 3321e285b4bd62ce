import type { Part } from './report.mjs';

export const parts: readonly Pick<Part, 'name' | 'bars'>[];
