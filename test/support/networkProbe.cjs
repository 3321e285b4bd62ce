/**
 * Loaded into a server by --require: on SIGUSR2 it tries every way to the network that Node offers, from inside the server's process,
 * and writes what became of each to NIWAKI_PROBE_RESULT: 'opened', or the error's code.
 */
/* global process, fetch */
'use strict';
const { execFile } = require('node:child_process');
const { renameSync, writeFileSync } = require('node:fs');
const { Worker } = require('node:worker_threads');

/** Somebody who accepts connections, outside of the filter. */
const port = Number(process.env.NIWAKI_PROBE_PORT);
const codeOf = (error) => error?.cause?.code ?? error?.code ?? String(error);

function outcome(start) {
  return new Promise((resolve) => {
    try {
      start(
        () => resolve('opened'),
        (error) => resolve(codeOf(error)),
      );
    } catch (error) {
      resolve(codeOf(error));
    }
  });
}

const connected = `require('node:net').connect(${port}, '127.0.0.1')
  .on('connect', () => process.exit(0)).on('error', ({ code }) => { process.stderr.write(code); process.exit(9); })`;

const ways = {
  fetch: (done, failed) => fetch(`http://127.0.0.1:${port}/`).then(done, failed),
  net: (done, failed) =>
    require('node:net').connect(port, '127.0.0.1').on('connect', done).on('error', failed),
  net6: (done, failed) => require('node:net').connect(port, '::1').on('connect', done).on('error', failed),
  unix: (done, failed) =>
    require('node:net').connect(process.env.NIWAKI_PROBE_PATH).on('connect', done).on('error', failed),
  listen: (done, failed) =>
    require('node:net').createServer().on('error', failed).listen(0, '127.0.0.1', done),
  listenUnix: (done, failed) =>
    require('node:net').createServer().on('error', failed).listen(`${process.env.NIWAKI_PROBE_PATH}.2`, done),
  lookup: (done, failed) => require('node:dns').lookup('example.invalid', (e) => (e ? failed(e) : done())),
  resolve: (done, failed) => require('node:dns').resolve4('example.invalid', (e) => (e ? failed(e) : done())),
  datagram: (done, failed) => {
    const socket = require('node:dgram').createSocket('udp4').on('error', failed);
    socket.send('x', port, '127.0.0.1', (e) => (e ? failed(e) : done()));
  },
  interfaces: (done) => done(require('node:os').networkInterfaces()),
  node: (done, failed) =>
    execFile(
      process.execPath,
      ['-e', connected],
      { env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' } },
      (e, _, said) => (e ? failed({ code: said || `status ${e.code}` }) : done()),
    ),
  curl: (done, failed) =>
    execFile('curl', ['-s', `http://127.0.0.1:${port}/`], (e) =>
      e ? failed({ code: `status ${e.code}` }) : done(),
    ),
  worker: (done, failed) => {
    const worker = new Worker(
      `require('node:net').connect(${port}, '127.0.0.1')
        .on('connect', () => require('node:worker_threads').parentPort.postMessage('opened'))
        .on('error', ({ code }) => require('node:worker_threads').parentPort.postMessage(code))`,
      { eval: true },
    );
    worker.on('message', (said) => (said === 'opened' ? done() : failed({ code: said })));
    worker.on('error', failed);
  },
};

process.on('SIGUSR2', () => {
  void (async () => {
    const results = {};
    for (const [name, start] of Object.entries(ways)) {
      results[name] = await outcome(start);
    }
    const path = process.env.NIWAKI_PROBE_RESULT;
    writeFileSync(`${path}.part`, JSON.stringify(results));
    renameSync(`${path}.part`, path);
  })();
});
