/** Shows a VS Code that server.mjs started in a headless Chromium. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ensureChromium } from './chromium.mjs';
import { workbenchUrl } from './server.mjs';

const flags = [
  '--no-sandbox', // Chromium's sandbox does not start as root or in most containers; the only page is our own
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', // a fence, besides the record below
];

/**
 * @param {Awaited<ReturnType<import('./server.mjs').startVsCode>>} server
 * @param {object} [options]
 * @param {string} [options.folder]
 * @param {string} [options.extensionDevelopmentPath]
 * @param {string} [options.extensionTestsPath]
 * @param {Record<string, string>} [options.extensionEnvironment]
 * @param {{ width: number, height: number }} [options.viewport]
 * @param {(code: number) => void} [options.onExit]   the test run's exit status
 * @param {(type: string, args: unknown[]) => void} [options.onLog]  what the extension host writes to its console
 */
export async function openWorkbench(server, options = {}) {
  const { viewport = { width: 1280, height: 800 }, onExit, onLog, ...rest } = options;
  const profile = join(server.temporary, 'browser');
  const artifacts = join(server.temporary, 'artifacts');
  mkdirSync(artifacts, { recursive: true });
  // The profile lies in the server's temporary folder, so whoever clears up after the server clears up after the browser. The
  // browser itself ends with this process, because its pipe closes; playwright's own signal handlers would keep us alive.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureChromium(),
    headless: true,
    args: flags,
    viewport,
    artifactsDir: artifacts,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  /** Requests to anything but the server: there should be none. */
  const outside = new Set();
  const own = `127.0.0.1:${server.port}`;
  const note = (address) => {
    const { protocol, host } = new URL(address);
    if (/^(https?|wss?):$/.test(protocol) && host !== own) {
      outside.add(address.slice(0, 160));
    }
  };
  context.on('request', (request) => note(request.url()));
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('websocket', (socket) => note(socket.url()));
  // VS Code calls these two functions of its window when it runs a test suite.
  if (onExit !== undefined) {
    await page.exposeFunction('codeAutomationExit', (code) => onExit(code));
  }
  if (onLog !== undefined) {
    await page.exposeFunction('codeAutomationLog', (type, args) => onLog(type, args));
  }
  await page.goto(
    workbenchUrl({
      ...rest,
      port: server.port,
      token: server.token,
      folder: rest.folder ?? server.workspace,
    }),
  );
  return { page, context, outside, close: () => context.close().catch(() => {}) };
}
