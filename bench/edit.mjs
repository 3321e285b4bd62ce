#!/usr/bin/env node
/**
 * Edits: whether what models write under masks applies, what becomes of it when the text changes meanwhile, how fast it comes, with the bars that must hold.
 *
 *   node bench/edit.mjs [--quick] [--only PART]... [--json FILE] [--from FILE]
 *
 * The options: support/program.mjs. It does its own set-up.
 */
import { bars } from './edit/bars.mjs';
import { printReport } from './edit/tables.mjs';
import { runProgram } from './support/program.mjs';

await runProgram({ bars, printReport, loadParts: () => import('./edit/parts.mjs') });
