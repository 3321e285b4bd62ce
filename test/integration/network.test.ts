/** That the server's process cannot reach the network, whatever runs in it, and that it goes on completing. */
import type { NetworkState } from '#protocol';
import { NetworkStateRequest } from '#protocol';
import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, readTrace, straceCommand, straceProblem } from '../support/systemCalls.mjs';
import { LspClient, root } from './lspClient';

const uri = 'file:///w/src/list.ts';
const repetitive = `${Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n')}\n`;
const enforced = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

async function completes(client: LspClient): Promise<boolean> {
  await client.open(uri, `${repetitive}items.pu`);
  const items = await client.complete(uri, { line: 12, character: 8 });
  await client.close(uri);
  return items.length === 1;
}

const networkState = (client: LspClient): Promise<NetworkState> =>
  client.connection.sendRequest(NetworkStateRequest.method);

async function until<T>(what: string, look: () => T | undefined, ms = 20_000): Promise<T> {
  for (const end = Date.now() + ms; ;) {
    const found = look();
    if (found !== undefined) {
      return found;
    }
    assert.ok(Date.now() < end, `${what}: not within ${String(ms)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const listening = (server: Server, options: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(options, resolve);
  });

describe('integration: no network', function () {
  this.timeout(60_000);
  let folder: string;

  before(function () {
    if (!enforced) {
      console.log('      skipped: there is no filter on this system');
      this.skip();
    }
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki network-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('says what keeps it from the network: the filter, on every thread, and no socket but its channel', async () => {
    const client = await LspClient.start();
    assert.ok(await completes(client)); // the engine's threads run
    const state = await networkState(client);
    assert.equal(state.filter.state, 'installed', state.filter.reason);
    assert.equal(state.filter.reason, '');
    assert.ok(Math.abs(state.filter.since - Date.now()) < 60_000);
    assert.deepEqual([...new Set(state.sockets?.map(({ family }) => family))], ['unix']);
    assert.deepEqual(
      state.sockets?.filter(({ listening }) => listening),
      [],
    );
    const tasks = `/proc/${String(client.child.pid)}/task`;
    const statuses = readdirSync(tasks).map((thread) => readFileSync(join(tasks, thread, 'status'), 'utf8'));
    assert.ok(statuses.length > 4);
    for (const status of statuses) {
      assert.match(status, /^Seccomp:\s+2$/m);
      assert.match(status, /^NoNewPrivs:\s+1$/m);
    }
    await client.stop();
  });

  it('fails whatever is tried inside its process, tells so, and goes on', async () => {
    const server = createServer((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
    );
    const local = createServer((socket) => socket.end());
    let connections = 0;
    for (const one of [server, local]) {
      one.on('connection', () => (connections += 1));
    }
    const path = join(folder, 'socket');
    const result = join(folder, 'result.json');
    await listening(server, { port: 0, host: '127.0.0.1' });
    await listening(local, { path });
    const environment = {
      NODE_OPTIONS: `--require "${join(root, 'test', 'support', 'networkProbe.cjs')}"`,
      NIWAKI_PROBE_PORT: String((server.address() as AddressInfo).port),
      NIWAKI_PROBE_PATH: path,
      NIWAKI_PROBE_RESULT: result,
    };
    const probe = async (pid: number | undefined): Promise<Record<string, string>> => {
      rmSync(result, { force: true });
      process.kill(pid ?? 0, 'SIGUSR2');
      await until('the probe', () => (existsSync(result) ? true : undefined));
      return JSON.parse(readFileSync(result, 'utf8')) as Record<string, string>;
    };
    try {
      const client = await LspClient.start({}, environment);
      assert.ok(await completes(client));
      const found = await probe(client.child.pid);
      assert.equal(Object.keys(found).length, 13);
      assert.deepEqual(
        Object.entries(found).filter(([, how]) => how === 'opened'),
        [],
      );
      for (const way of [
        'fetch',
        'net',
        'net6',
        'unix',
        'listen',
        'listenUnix',
        'datagram',
        'node',
        'worker',
      ]) {
        assert.equal(found[way], 'EACCES', `${way}: ${JSON.stringify(found)}`);
      }
      assert.equal(connections, 0);
      // Node opens a port for a debugger when it is asked by a signal: not here.
      process.kill(client.child.pid ?? 0, 'SIGUSR1');
      assert.ok(await completes(client));
      assert.deepEqual(
        [...new Set((await networkState(client)).sockets?.map(({ family }) => family))],
        ['unix'],
      );
      await client.stop();
      // The same outside of it: the ways are ways.
      rmSync(result);
      const free = spawnSync(
        process.execPath,
        [
          '-e',
          'setTimeout(() => process.kill(process.pid, "SIGUSR2"), 100); setInterval(() => require("fs").existsSync(process.env.NIWAKI_PROBE_RESULT) && process.exit(), 50)',
        ],
        {
          env: { ...process.env, ...environment, NIWAKI_PROBE_PORT: '9' },
          timeout: 20_000,
          encoding: 'utf8',
        },
      );
      assert.equal(free.error, undefined);
      const outside = JSON.parse(readFileSync(result, 'utf8')) as Record<string, string>;
      for (const way of ['listen', 'listenUnix', 'datagram', 'interfaces']) {
        assert.equal(outside[way], 'opened', way);
      }
      assert.equal(outside['net'], 'ECONNREFUSED');
    } finally {
      server.close();
      local.close();
    }
  });

  it('does not come up air-gapped where its process holds a network socket, and says why', async () => {
    const client = LspClient.start({}, { NODE_OPTIONS: '--inspect=0' }, '', 'file:///w', ['--air-gapped']);
    await assert.rejects(
      client,
      /air-gapped.*network socket \(127\.0\.0\.1:\d+\).*niwaki\.network\.airGapped/s,
    );
  });

  it('comes up air-gapped where it has none, and allows no feature', async () => {
    const client = await LspClient.start({}, {}, '', 'file:///w', ['--air-gapped']);
    const { airGapped, features } = await networkState(client);
    assert.deepEqual(airGapped, { on: true, by: 'setting' });
    assert.deepEqual(features, {
      downloads: { allowed: false, refusedBy: 'airGapped' },
      endpoint: { allowed: false, refusedBy: 'airGapped' },
    });
    assert.ok(await completes(client));
    await client.stop();
  });

  describe("under an administrator's policy", () => {
    /** Shell commands that put a policy where the server looks for it, in a file system that only this server sees. */
    const withPolicy = (text: string, more = ''): string => {
      const etc = join(folder, 'etc');
      mkdirSync(join(etc, 'niwaki'), { recursive: true });
      writeFileSync(join(etc, 'niwaki', 'policy.json'), text);
      const inner = `mount -t tmpfs none /etc && cp -r "$NIWAKI_TEST_ETC/niwaki" /etc/ && chmod 755 /etc /etc/niwaki && chmod 644 /etc/niwaki/policy.json${more} && exec "$@"`;
      return `exec unshare -rm sh -c '${inner}' sh "$0" "$@"`;
    };
    const start = (text: string, more = ''): Promise<LspClient> =>
      LspClient.start({}, { NIWAKI_TEST_ETC: join(folder, 'etc') }, withPolicy(text, more));

    before(function () {
      if (
        spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/etc'], { stdio: 'ignore' }).status !==
        0
      ) {
        console.log('      skipped: this user may not make a file system of its own (unshare -rm)');
        this.skip();
      }
    });

    it('keeps to it', async () => {
      const client = await start('{ "version": 1, "downloads": false }');
      const { airGapped, features, policy } = await networkState(client);
      assert.deepEqual([policy.state, policy.path], ['trusted', '/etc/niwaki/policy.json'], policy.problem);
      assert.equal(airGapped.on, false);
      assert.deepEqual(features.downloads, { allowed: false, refusedBy: 'policy' });
      assert.deepEqual(features.endpoint, { allowed: true, refusedBy: '' });
      await client.stop();
    });

    it('is air-gapped where the file is broken, or others can write it, and completes all the same', async () => {
      for (const [text, more, state, problem] of [
        ['{ "version": 1, "download": false }', '', 'broken', /"download" is not known/],
        ['{ "version": 1 }', ' && chmod 666 /etc/niwaki/policy.json', 'untrusted', /written by others/],
        [
          '{ "version": 1 }',
          ' && chmod 777 /etc/niwaki',
          'untrusted',
          /\/etc\/niwaki can be written by others/,
        ],
      ] as const) {
        const client = await start(text, more);
        const { airGapped, policy } = await networkState(client);
        assert.equal(policy.state, state);
        assert.match(policy.problem, problem);
        assert.deepEqual(airGapped, { on: true, by: 'policy' });
        assert.ok(await completes(client));
        await client.stop();
      }
    });
  });

  describe('as the system sees it', () => {
    before(function () {
      const problem = straceProblem();
      if (problem !== '') {
        console.log(`      skipped: ${problem}`);
        this.skip();
      }
    });

    /** A server's life under strace. `sabotage`: JavaScript that runs in it first. */
    async function traced(sabotage = ''): Promise<string[]> {
      const trace = join(folder, 'trace');
      const preload = join(folder, 'preload.cjs');
      writeFileSync(preload, sabotage);
      const command = straceCommand(trace).map((word) => `'${word}'`);
      const client = await LspClient.start(
        {},
        { NODE_OPTIONS: `--require "${preload}"` },
        `exec ${command.join(' ')} "$0" "$@"`,
      );
      assert.ok(await completes(client));
      assert.ok(await completes(client));
      await client.stop();
      // The tracer writes on after the server has ended.
      let size = -1;
      await until('the end of the trace', () => {
        const now = existsSync(trace) ? readFileSync(trace, 'utf8').length : 0;
        const over = now > 0 && now === size;
        size = now;
        return over ? true : undefined;
      });
      return faultsOf(readTrace(readFileSync(trace, 'utf8')));
    }

    it('makes and connects no socket in its whole life, its children neither, and hears nobody before the filter', async () => {
      assert.deepEqual(await traced(), []);
    });

    it('is so on the command line, too', () => {
      const trace = join(folder, 'trace');
      const [strace = '', ...options] = straceCommand(trace).filter((word) => word !== '-DDD');
      const command = [process.execPath, join(root, 'dist', 'cli.js'), 'tokenize', 'hello'];
      const run = spawnSync(strace, [...options, ...command], { encoding: 'utf8' });
      assert.match(run.stdout, /^\d+/, run.stderr);
      assert.deepEqual(faultsOf(readTrace(readFileSync(trace, 'utf8'))), []);
    });

    it('would be seen to do without the filter, to install it late, or to ask for a socket', async () => {
      const replaced = (install: string): string =>
        `const Module = require('module'); const load = Module._load;
         Module._load = function (request, ...rest) {
           const loaded = load.call(this, request, ...rest);
           return String(request).endsWith('guard.node') ? { ...loaded, install: () => { ${install} return { state: 'installed', reason: '' }; } } : loaded;
         };`;
      assert.match((await traced(replaced(''))).join('\n'), /no filter was installed/);
      const late = await traced(replaced('setTimeout(() => loaded.install(), 200);'));
      assert.match(late.join('\n'), /before the filter: /);
      const asking = await traced(
        `setTimeout(() => require('net').connect(9, '127.0.0.1').on('error', () => {}), 200).unref();`,
      );
      assert.match(asking.join('\n'), /was tried: \d+ socket\(AF_INET/);
      assert.ok(!asking.some((fault) => fault.startsWith('happened')), asking.join('\n'));
    });
  });
});
