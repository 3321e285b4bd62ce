/**
 * The language server with a scripted engine in the place of the real one, for tests of what users see: bundled as dist/server.js of a copy
 * of the extension. NIWAKI_SCRIPT names a JSON file, which is read anew for every answer:
 *
 *   [{ "when": "regular expression", "say": "text", "fail": "a sentence" }]
 *
 * The first entry counts whose expression matches the prompt's last message of the user; without one, the model repeats it. Any model that
 * is set has a chat template. NIWAKI_SCRIPT_MS_PER_TOKEN and NIWAKI_SCRIPT_READ_MS_PER_TOKEN say how slow it writes and reads.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { version } from '../../package.json';
import { EngineError } from '../../server/src/engine/port';
import { ScriptedEngine, type ScriptedPrompt } from '../../server/src/engine/scripted';
import { connectionLog, startServer } from '../../server/src/lsp';
import { loadGuard, Network } from '../../server/src/network';

interface Line {
  readonly when?: string;
  readonly say?: string;
  readonly fail?: string;
}

const template =
  "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}" +
  "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}";

function lines(): readonly Line[] {
  const path = process.env['NIWAKI_SCRIPT'];
  return path === undefined ? [] : (JSON.parse(readFileSync(path, 'utf8')) as readonly Line[]);
}

function answer({ text }: ScriptedPrompt): string {
  const [, asked = ''] =
    /<\|im_start\|>user\n((?:(?!<\|im_start\|>)[^])*)<\|im_end\|>\n(?:(?!<\|im_start\|>user)[^])*$/.exec(
      text,
    ) ?? [];
  const line = lines().find(({ when = '' }) => new RegExp(when).test(asked));
  if (line?.fail !== undefined) {
    throw new EngineError('internal', line.fail);
  }
  const said = line?.say ?? asked;
  // What was begun already is not said again.
  const begun =
    text
      .split('<|im_start|>assistant\n')
      .at(-1)
      ?.replace(/^<think>\s*<\/think>\s*/, '') ?? '';
  return said.startsWith(begun) ? said.slice(begun.length) : said;
}

const network = new Network({ airGapped: process.argv.includes('--air-gapped'), guard: loadGuard() });
const connection = createConnection(ProposedFeatures.all);
process.once('disconnect', () => {
  process.exit(0);
});
const pace = (name: string): number => Number(process.env[name] ?? 0);
const engine = new ScriptedEngine({
  answer,
  contextLength: 8_192,
  decodeMsPerToken: pace('NIWAKI_SCRIPT_MS_PER_TOKEN'),
  prefillMsPerToken: pace('NIWAKI_SCRIPT_READ_MS_PER_TOKEN'),
  info: { name: 'Scripted', metadata: { 'general.name': 'Scripted', 'tokenizer.chat_template': template } },
});
startServer({
  ...{ connection, engine, network, version, log: connectionLog(connection) },
  extensionPath: dirname(__dirname),
});
