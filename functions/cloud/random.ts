import { randomBytes } from "node:crypto";
import type { RandomBytes } from "../../shared/ids.ts";

/** To ask for so many costs hardly more than to ask for sixteen. */
const POOL_BYTES = 4096;

/** Random bytes, of which the system is asked for many at a time; none is given out twice. */
export function pooledRandom(): RandomBytes {
  let pool: Uint8Array = new Uint8Array();
  return (n) => {
    if (n > pool.length) pool = randomBytes(Math.max(n, POOL_BYTES));
    const given = pool.subarray(0, n);
    pool = pool.subarray(n);
    return given;
  };
}
