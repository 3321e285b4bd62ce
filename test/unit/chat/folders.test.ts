/** Requests that come while the workspace's folders change. */
import { strict as assert } from 'node:assert';
import type { Connection } from 'vscode-languageserver/node';
import { registerChat } from '#server/lsp/chat';
import { ChosenFiles } from '#server/workspace/chosenFiles';
import { testChats } from './chatSupport';

describe('lsp/chat', () => {
  it('knows every answer that is being written, also when folders change between requests', async () => {
    const t = testChats({ answer: () => 'x '.repeat(200), decodeMsPerToken: 4 });
    const handlers = new Map<string, (params: object) => Promise<unknown>>();
    const connection = {
      onRequest: ({ method }: { method: string }, handler: (params: object) => Promise<unknown>) =>
        handlers.set(method, handler),
      sendNotification: () => Promise.resolve(),
    } as unknown as Connection;
    let workspaceFolders = ['file:///a'];
    const end = registerChat({
      ...{ connection, engine: t.engine, model: t.model, files: new ChosenFiles(() => []) },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      storagePath: t.folder,
      workspaceFolders: () => workspaceFolders,
      workspaceId: undefined,
      mayWork: () => Promise.resolve(false),
      quiet: () => Promise.resolve(false),
    });
    const ask = (what: string, params: object): Promise<unknown> =>
      handlers.get(`niwaki/chat/${what}`)?.(params) ?? Promise.reject(new Error(what));
    const message = { conversation: '', after: '', text: 'one', command: '', attachments: [] };
    await ask('send', message);
    workspaceFolders = ['file:///a', 'file:///b'];
    await Promise.all([ask('send', message), ask('list', {}), ask('list', {})]);
    await end();
    assert.equal(t.engine.jobsInFlight, 0);
    t.end();
  });
});
