/**
 * Milliseconds of processor time that something takes: by the clock, whatever else runs on the machine would count as ours. The least of
 * three: others share a core's units and caches, and the compiler and the collector of garbage come when they like, all of which only adds.
 */
export function processorMs(act: () => void): number {
  const each = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...each);
}
