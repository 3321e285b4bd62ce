/** Answers of a given form where the process is shut off from the network: the worker that they need is a thread, and loads the addon. */
import * as assert from 'node:assert/strict';
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './lspClient';

const enforced = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
const dist = join(root, 'dist');

const program = `
  import { loadGuard } from '${root}/server/src/network';
  import { createNativeEngine, Priority } from '${root}/server/src/engine';
  import { toolCallGrammar } from '${root}/server/src/conversation/masks';

  async function main() {
    const guard = loadGuard('${dist}').install();
    const engine = createNativeEngine({ addonPath: process.argv[2], selfTestChild: '${dist}/selfTestChild.js', maskWorker: '${dist}/maskWorker.js' });
    const { model } = await engine.load({ path: process.argv[3], threads: 2 });
    const session = await engine.openSession(model, 0);
    const tokens = await engine.tokenize(model, 'const call = ', false);
    const parameters = { type: 'object', properties: { path: { type: 'string', maxLength: 20 } }, required: ['path'] };
    const grammar = toolCallGrammar([{ name: 'read_file', parameters }]);
    const request = { session, job: 1, priority: Priority.chat, tokens, maxTokens: 80, constraint: { grammar } };
    const how = process.argv[4];
    const { text, reason } = await engine.generate(request, () => how === 'exit' && process.exit(7));
    if (how === 'dispose') {
      await engine.dispose();
    } // else the process ends with a worker that sleeps
    process.stdout.write(JSON.stringify({ guard, text, reason }));
  }
  void main();
`;

describe('integration: constraints behind the network filter', function () {
  this.timeout(120_000);
  let folder: string;

  before(async function () {
    if (!enforced) {
      console.log('      skipped: there is no filter on this system');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'niwaki-constraints-'));
    writeFileSync(join(folder, 'program.ts'), program);
    const alias = { '#protocol': join(root, 'protocol/src/index.ts') };
    await build({
      ...{ entryPoints: [join(folder, 'program.ts')], outfile: join(folder, 'program.cjs'), alias },
      ...{ bundle: true, platform: 'node', logLevel: 'error', nodePaths: [join(root, 'node_modules')] },
    });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run(how: string): ReturnType<typeof spawnSync> {
    const addon = join(dist, 'native', `${process.platform}-${process.arch}`, 'niwaki.node');
    return spawnSync(
      process.execPath,
      [join(folder, 'program.cjs'), addon, join(root, 'models', 'nano.gguf'), how],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
  }

  for (const how of ['dispose', 'leave']) {
    it(`are met in a process that can open no socket, and leave nothing running (${how})`, () => {
      const { status, stdout, stderr } = run(how);
      assert.equal(status, 0, String(stderr));
      const said = JSON.parse(String(stdout)) as { guard: { state: string }; text: string; reason: string };
      assert.equal(said.guard.state, 'installed');
      assert.equal(said.reason, 'end_of_text');
      assert.match(
        said.text,
        /^<tool_call>\n\{"name": "read_file", "arguments": \{"path": ".*"\}\}\n<\/tool_call>$/,
      );
    });
  }

  it('let a process exit while it waits for its worker, and the worker for it', () => {
    const { status, stdout, stderr } = run('exit');
    assert.deepEqual([status, stdout, stderr], [7, '', '']);
  });
});
