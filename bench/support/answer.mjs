/** The child's end of client.mjs: answers requests { id, op, ...arguments } with { id, value } or { id, error }. */

/** @param {Record<string, (request: any) => Promise<unknown>>} operations */
export function answer(operations) {
  process.on('message', async ({ id, op, ...rest }) => {
    let reply;
    try {
      reply = { id, value: await operations[op](rest) };
    } catch (error) {
      reply = { id, error: String(error?.stack ?? error) };
    }
    if (process.connected) {
      process.send(reply);
    }
  });
  // The parent is gone or has had enough: nothing may outlive it.
  process.on('disconnect', () => process.exit());
}
