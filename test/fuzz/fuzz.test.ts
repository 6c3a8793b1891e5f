import { fuzz } from "./fuzz.ts";

const REQUESTS = 100_000;
/** The gate sends the same requests each time; `npm run test:fuzz` others. */
const SEED = 42;

/** What the API's process may grow by once it is warm: what its garbage collector leaves for later. */
const GROWTH_BYTES = 64 * 1024 * 1024;

test("a hundred thousand hostile requests are answered as documented, write nothing and leave nothing", async () => {
  const { requests, statuses, warmBytes, endBytes, written } = await fuzz({
    requests: REQUESTS,
    seed: SEED,
  });
  expect(requests).toBeGreaterThanOrEqual(REQUESTS);
  expect(Object.keys(statuses)).toEqual(
    expect.arrayContaining(["200", "202", "400", "401", "403", "404", "405", "411", "415", "422"]),
  );
  expect(written).toBeGreaterThan(0);
  expect(endBytes - warmBytes).toBeLessThan(GROWTH_BYTES);
}, 900_000);
