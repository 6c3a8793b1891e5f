import { fuzzProxies } from "./proxies.ts";

/** A slice of what `.ci/run` sends with `npm run test:fuzz -- --at proxies`. */
const CONNECTIONS = 4000;
const SEED = 42;

test("thousands of malformed requests get nothing through the proxies of the sandbox", async () => {
  const { connections } = await fuzzProxies({ connections: CONNECTIONS, seed: SEED });
  expect(connections).toBe(CONNECTIONS);
});
