/** Parameters as they arrive: whoever speaks the protocol may have sent anything. */

export type Raw = Readonly<Record<string, unknown>>;

/** Its fields; none where it is no object. */
export function raw(params: unknown): Raw {
  return typeof params === 'object' && params !== null ? (params as Raw) : {};
}
