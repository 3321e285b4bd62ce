/** What bars are, for every benchmark that has some. */

export const atLeast = (bar, unit = 'x') => ({ bar, unit, holds: (value) => value >= bar });
export const atMost = (bar, unit = 'x') => ({ bar, unit, most: true, holds: (value) => value <= bar });

/**
 * Every bar with what was measured. One that was not is in the list all the same, and does not hold.
 * @param {Record<string, { bar: number, unit: string, most?: boolean, holds: (value: number) => boolean }>} bars by id
 * @param {Record<string, { value: number | null, note?: string }>} measured by id
 */
export function judgeBars(bars, measured) {
  const unknown = Object.keys(measured).filter((id) => !Object.hasOwn(bars, id));
  if (unknown.length > 0) {
    throw new Error(`There are no bars called ${unknown.join(', ')}.`);
  }
  return Object.entries(bars).map(([id, { bar, unit, most = false, holds }]) => {
    const { value = null, note = 'not measured in this run' } = measured[id] ?? {};
    const sound = typeof value === 'number' && Number.isFinite(value);
    return {
      ...{ id, value: sound ? value : null, unit, bar, atMost: most, holds: sound && holds(value) },
      ...((measured[id]?.note !== undefined || !sound) && { note }),
    };
  });
}
