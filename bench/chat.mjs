#!/usr/bin/env node
/**
 * Chat: whether prompts are what a model's makers meant, and whether texts of others stay texts, with the bars that must hold.
 *
 *   node bench/chat.mjs [--quick] [--only PART]... [--json FILE] [--from FILE]
 *
 * The options: support/program.mjs. Templates, vocabulary and Python's Jinja2 are not part of the repository: docs/MODELS.md says where they
 * are looked for. It does its own set-up.
 */
import { bars } from './chat/bars.mjs';
import { printReport } from './chat/tables.mjs';
import { runProgram } from './support/program.mjs';

await runProgram({ bars, printReport, loadParts: () => import('./chat/parts.mjs') });
