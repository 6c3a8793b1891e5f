import { fuzzEvents } from "./events.ts";

/** A slice of what `npm run test:fuzz -- --at events` sends: of each of eleven sources. */
const REQUESTS = 30;
const SEED = 44;

test("hostile payloads of each source are refused in words, start nothing, and are told nowhere", async () => {
  const { statuses, runs, putAway } = await fuzzEvents({ requests: REQUESTS, seed: SEED });
  expect(Object.keys(statuses)).toHaveLength(11);
  expect([runs, putAway > 0]).toEqual([5, true]);
}, 60_000);
