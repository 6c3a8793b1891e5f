import { fuzz } from "./fuzz.ts";

/** A slice of what `.ci/run` sends with `npm run test:fuzz`. */
const REQUESTS = 4000;
const SEED = 43;

test("thousands of hostile requests are answered as documented, write nothing and leave nothing", async () => {
  const { requests } = await fuzz({ requests: REQUESTS, seed: SEED });
  expect(requests).toBe(REQUESTS);
});
