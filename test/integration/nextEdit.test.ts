/** What comes next after an edit, asked of the built server with the embedded model. */
import { NextEditDecidedNotification, NextEditRequest, type NextEdit } from '#protocol';
import * as assert from 'node:assert/strict';
import { LspClient, settings } from './lspClient';

const uri = 'file:///w/src/bill.ts';
const text = `export function bill(orders: readonly Order[]): number {
  let amount = 0;
  for (const order of orders) {
    amount = amount + order.price;
    amount = amount + order.tax;
  }
  return amount;
}
`;

describe('integration: the next edit', function () {
  this.timeout(60_000);
  let client: LspClient;
  let version = 1;

  before(async () => {
    client = await LspClient.start();
    await client.ready();
  });
  after(() => client.stop());
  beforeEach(async () => {
    version = 1;
    await client.open(uri, text);
  });
  afterEach(() => client.close(uri));

  const type = async (line: number, character: number, inserted: string): Promise<void> => {
    version += 1;
    await client.insert(uri, { line, character }, inserted);
  };
  const next = (line: number, character: number, more: object = {}): Promise<NextEdit | null> =>
    client.connection.sendRequest(NextEditRequest.method, { uri, version, line, character, ...more });
  /** The declaration and one use. */
  const begin = async (): Promise<void> => {
    await type(1, 12, 'Due');
    await next(1, 15);
    await type(3, 10, 'Due');
  };

  it('is the same change at a further place, as the document has it', async () => {
    await begin();
    const offer = (await next(3, 13)) ?? assert.fail('nothing was offered');
    const now = text.replace('let amount', 'let amountDue').replace('    amount =', '    amountDue =');
    const { start, end } = offer.edit;
    assert.deepEqual([offer.uri, offer.version, now.slice(start, end)], [uri, 3, 'amount']);
    assert.equal(now.split('\n')[offer.line]?.slice(offer.character).startsWith('amount '), true);
    assert.deepEqual([offer.before, offer.edit.text], ['amount', 'amountDue']);
    assert.ok(offer.confidence > 0.5 && offer.confidence <= 1);
  });

  it('is nothing before anything was changed, and nothing of another version', async () => {
    assert.equal(await next(1, 12), null);
    await begin();
    assert.equal(await next(3, 13, { version: 2 }), null);
    assert.equal(await next(3, 13, { version: 'three' }), null);
    assert.equal(await next(3, 13, { uri: 'file:///w/other.ts' }), null);
    assert.ok(await next(3, 13));
  });

  it('is nothing once it was declined', async () => {
    await begin();
    const offer = (await next(3, 13)) ?? assert.fail('nothing was offered');
    await client.connection.sendNotification(NextEditDecidedNotification.method, {
      ...{ uri, before: offer.before, after: offer.edit.text, accepted: false },
    });
    assert.equal(await next(3, 13), null);
    await type(4, 10, 'Due');
    assert.equal(await next(4, 13), null);
  });

  it('is nothing when what was accepted is undone at once', async () => {
    await begin();
    const offer = (await next(3, 13)) ?? assert.fail('nothing was offered');
    const { line, character } = offer;
    await type(line, character + 'amount'.length, 'Due');
    await client.connection.sendNotification(NextEditDecidedNotification.method, {
      ...{ uri, before: offer.before, after: offer.edit.text, accepted: true },
    });
    version += 1;
    const start = { line, character: character + 'amount'.length };
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ range: { start, end: { line, character: start.character + 3 } }, text: '' }],
    });
    assert.equal(await next(line, character), null);
  });

  it('is given up when a key comes', async () => {
    await begin();
    const asked = next(3, 13);
    await type(3, 13, 's');
    assert.equal(await asked, null);
  });

  it('is nothing where completions are off', async () => {
    await begin();
    await client.configure({ completion: { ...settings.completion, enabled: false } });
    assert.equal(await next(3, 13), null);
    await client.configure({});
    assert.ok(await next(3, 13));
  });
});
