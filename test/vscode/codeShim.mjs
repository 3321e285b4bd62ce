#!/usr/bin/env node
/**
 * Stands in for the `code` executable that @vscode/test-electron starts: the same arguments, the same meaning of the exit
 * status, but the VS Code behind it is the server of scripts/vscode shown in a headless Chromium. So one suite serves the
 * desktop application and machines that cannot download it.
 *
 * Exit status: the suite's own, or
 *   97  VS Code did not start, died, or was not done in time (NIWAKI_TEST_TIMEOUT_MS)
 *   98  the suite was reported to have passed, but left no results
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from 'node:util';
import { openWorkbench } from '../../scripts/vscode/browser.mjs';
import { startVsCode, stillSettings } from '../../scripts/vscode/server.mjs';

const failedToRun = 97;
const noResults = 98;
const deadlineMs = Number(process.env.NIWAKI_TEST_TIMEOUT_MS ?? 480_000);

/**
 * `code` takes --name=value and a folder, a .code-workspace file or --folder-uri=URI; everything else that test-electron passes
 * concerns Electron alone.
 */
function parse(args) {
  const values = (name) =>
    args.filter((arg) => arg.startsWith(`--${name}=`)).map((arg) => arg.slice(name.length + 3));
  const [extensionTestsPath] = values('extensionTestsPath');
  const [extensionDevelopmentPath, ...extensions] = values('extensionDevelopmentPath');
  const folder = values('folder-uri')[0] ?? args.find((arg) => !arg.startsWith('-'));
  if (extensionTestsPath === undefined || extensionDevelopmentPath === undefined || folder === undefined) {
    throw new Error('Expected FOLDER --extensionDevelopmentPath=… --extensionTestsPath=…');
  }
  return { extensions, page: { extensionTestsPath, extensionDevelopmentPath, folder } };
}

/** Rejects once the server's log says that the extension host died, which VS Code itself tells nobody. */
async function extensionHostDeath(server, isOver) {
  while (!isOver()) {
    const death = /Extension Host Process exited with code: (\S+), signal: (\S+?)\.?\s/.exec(server.log());
    if (death !== null && !isOver()) {
      await sleep(2_000); // at the end of a run the host ends too, and the exit status is on its way
      throw new Error(`the extension host died (code ${death[1]}, signal ${death[2]})`);
    }
    await sleep(200);
  }
}

/** Complaints about parts that the stack leaves out on purpose, and about files that a virtual workspace does not have. */
const knownNoise = /@vscode\/(spdlog|native-watchdog)|ServiceWorker|Unable to read file 'memfs-test:/;

/** The extension host's console carries much that is not ours; the suite's lines are indented, errors may explain a failure. */
function report(type, args) {
  const line = format(...args).trimEnd();
  const isErrorWorthKnowing = type === 'error' && !knownNoise.test(line);
  if (line.startsWith('  ') || isErrorWorthKnowing) {
    console.log(line);
  }
}

async function run({ extensions, page }) {
  const results = process.env.NIWAKI_TEST_RESULTS;
  const server = await startVsCode({ workspace: page.folder, extensions, settings: stillSettings });
  let workbench;
  let over = false;
  const deadline = new AbortController();
  try {
    const exit = new Promise((resolve, reject) => {
      openWorkbench(server, { ...page, onExit: resolve, onLog: report }).then(
        (opened) => (workbench = opened),
        reject,
      );
    });
    const code = await Promise.race([
      exit,
      extensionHostDeath(server, () => over).then(() => new Promise(() => {})),
      server.exited.then((how) => {
        throw new Error(`the VS Code server ended early (${how})`);
      }),
      sleep(deadlineMs, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`the suite was not done within ${deadlineMs / 1000} s`);
      }),
    ]);
    over = true;
    for (const address of workbench?.outside ?? []) {
      console.log(`! a request to the outside: ${address}`);
    }
    if (code === 0 && workbench !== undefined && workbench.outside.size > 0) {
      return 1;
    }
    // A crashed extension host can be reported as status 0: only the results say that the tests have run.
    return code === 0 && results !== undefined && !existsSync(results) ? noResults : code;
  } catch (error) {
    console.error(`VS Code: ${error.message}`);
    console.error(server.log().slice(-2000));
    return failedToRun;
  } finally {
    over = true;
    deadline.abort();
    await workbench?.close();
    await server.stop();
  }
}

try {
  process.exitCode = await run(parse(process.argv.slice(2)));
} catch (error) {
  console.error(error.message);
  process.exitCode = failedToRun;
}
