/** From a call's leaving its process to its answer, in milliseconds. */
const LEAST_MS = 5;
const SPREAD_MS = 55;

/**
 * How long a call is on its way; the same for the same place in the same world, whatever was before
 * it.
 */
export function latencyMs(seed: number, site: number, count: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(site, 0xc2b2ae35) ^ count;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return LEAST_MS + (((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32) * SPREAD_MS;
}
