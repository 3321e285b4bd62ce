/**
 * Called by VS Code inside the extension host. Prints each test as it ends and writes the results to NIWAKI_TEST_RESULTS,
 * because the exit status alone does not tell a suite that passed from an extension host that died.
 */
import Mocha from 'mocha';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnostics } from './support';

interface TestResult {
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  readonly error?: string;
}

export async function run(): Promise<void> {
  const grep = process.env['NIWAKI_TEST_GREP'] ?? '';
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, ...(grep === '' ? {} : { grep }) });
  mocha.reporter(Mocha.reporters.Base); // prints nothing: the lines below are the report
  const folder = join(__dirname, process.env['NIWAKI_TEST_SCENARIO'] ?? '');
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.test.js')) {
      mocha.addFile(join(folder, name));
    }
  }
  // Every server process that there was: whoever started VS Code looks afterwards whether all of them have ended.
  const serverPids = new Set<number>();
  mocha.rootHooks({
    afterEach: async () => {
      const { serverPid } = await diagnostics();
      if (serverPid !== undefined) {
        serverPids.add(serverPid);
      }
    },
  });
  const tests: TestResult[] = [];
  const note = (test: Mocha.Test | Mocha.Hook, state: TestResult['state'], error?: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const result = { title: test.fullTitle(), state, ms: test.duration ?? 0 };
    tests.push(error === undefined ? result : { ...result, error: text });
    const mark = { passed: '✔', failed: '✘', skipped: '-' }[state];
    console.log(
      `  ${mark} ${result.title} (${String(result.ms)} ms)${error === undefined ? '' : `\n${text}`}`,
    );
  };
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => {
        note(test, 'passed');
      })
      .on('fail', (test, error: unknown) => {
        note(test, 'failed', error);
      })
      .on('pending', (test) => {
        note(test, 'skipped');
      });
  });
  const results = process.env['NIWAKI_TEST_RESULTS'];
  if (results !== undefined) {
    const passed = tests.filter((test) => test.state === 'passed').length;
    writeFileSync(
      results,
      JSON.stringify({ passed, failed: failures, serverPids: [...serverPids], tests }, null, 2),
    );
  }
  if (failures > 0) {
    throw new Error(`${String(failures)} failed`);
  }
}
