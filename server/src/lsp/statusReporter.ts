/** Tells the client what the engine is doing: on every change, at most ten times a second. */
import { StatusNotification, StatusRequest, type EngineState, type ServerStatus } from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import type { Completer } from '../completion';
import type { ModelHost } from '../models';
import { Throttle } from '../util/throttle';

const intervalMs = 100;

export class StatusReporter {
  private readonly throttle: Throttle;

  constructor(
    connection: Connection,
    private readonly host: ModelHost,
    private readonly completer: Completer,
  ) {
    this.throttle = new Throttle(() => {
      // A connection that is being closed takes no more messages; there is nobody left to tell.
      void connection.sendNotification(StatusNotification.type, this.status()).catch(() => undefined);
    }, intervalMs);
    connection.onRequest(StatusRequest.type, () => this.status());
    const changed = (): void => {
      this.throttle.request();
    };
    host.changes.add(changed);
    completer.changes.add(changed);
  }

  dispose(): void {
    this.throttle.dispose();
  }

  private status(): ServerStatus {
    const { host, completer } = this;
    const state: EngineState = host.state === 'ready' && completer.busy ? 'busy' : host.state;
    return {
      pid: process.pid,
      state,
      model: host.model?.info.name ?? '',
      embedded: host.model?.embedded ?? false,
      kernels: host.model?.info.kernels ?? '',
      threads: host.model?.info.threads ?? 0,
      tokensPerSecond: completer.counters.tokensPerSecond,
      problem: host.problem,
      counters: completer.counters.snapshot(),
    };
  }
}
