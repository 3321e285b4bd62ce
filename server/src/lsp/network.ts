/** What keeps this process from the network, for the client to show. */
import { NetworkStateRequest } from '#protocol';
import {
  ErrorCodes,
  ResponseError,
  type Connection,
  type InitializeError,
  type InitializeResult,
} from 'vscode-languageserver/node';
import type { Network } from '../network';
import type { Log } from '../util/log';

export function registerNetwork(connection: Connection, network: Network): void {
  connection.onRequest(NetworkStateRequest.type, () => network.state());
}

export function logNetwork(network: Network, log: Log): void {
  if (network.filter.state === 'installed') {
    log.info(network.summary());
  } else {
    log.warn(network.summary());
  }
  if (network.policy.problem !== '') {
    log.warn(network.policy.problem);
  }
}

/** A server that does nothing but say why it does not start. */
export function refuseToStart(connection: Connection, reason: string): void {
  connection.onInitialize(
    (): ResponseError<InitializeError> | InitializeResult =>
      new ResponseError(ErrorCodes.InvalidRequest, reason, { retry: false }),
  );
  connection.listen();
}
