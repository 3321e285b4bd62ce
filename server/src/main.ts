/**
 * The language server's entry: `--node-ipc` or `--stdio` says how it is spoken to, `--air-gapped` that the user's setting is on.
 *
 * The order in which it starts:
 *   1. Where Node keeps an io_uring, which no filter holds, the process starts its program once more without one.
 *   2. What is to be reached from outside is bound. (Nothing, so far: a loopback endpoint will be, where `network.allows` it and the
 *      user has switched it on.)
 *   3. The filter: from here on this process and its children cannot open, connect or address a socket.
 *   4. Everything else is loaded, libraries too, and the first message is read.
 */
import './withoutWatchdog';
import { loadGuard, Network } from './network';

const guard = loadGuard();
guard.leaveRingsBehind(); // why one is still there, the filter says
const network = new Network({ airGapped: process.argv.includes('--air-gapped'), guard });
void import('./serve').then(({ serve }) => {
  serve(network);
});
