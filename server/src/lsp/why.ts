/** What users may ask about suggestions: why the last one is what it is, and what became of all. */
import { acceptedCommand, ClearStatisticsRequest, StatisticsRequest, WhyRequest } from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import type { Completer, Statistics } from '../completion';

export interface WhyDeps {
  readonly connection: Connection;
  readonly completer: Completer;
  readonly statistics: Statistics;
}

export function registerWhy({ connection, completer, statistics }: WhyDeps): void {
  connection.onRequest(WhyRequest.type, () => completer.lastReport ?? null);
  connection.onRequest(StatisticsRequest.type, () => statistics.snapshot());
  connection.onRequest(ClearStatisticsRequest.type, () => {
    statistics.clear();
    return null;
  });
  connection.onExecuteCommand(({ command, arguments: values }) => {
    const id: unknown = values?.[0]; // whoever speaks the protocol may have sent anything
    if (command === acceptedCommand && typeof id === 'string') {
      statistics.accepted(id);
    }
    return null;
  });
}
