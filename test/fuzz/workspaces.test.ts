import { fuzzWorkspaces } from "./workspaces.ts";

/** A slice of what `npm run test:fuzz -- --at workspaces` draws. */
const WORKSPACES = 8;
const SEED = 10;

test("of drawn workspaces nothing is missing in patch, run and next turn that is not named", async () => {
  const { workspaces, left, omitted } = await fuzzWorkspaces({
    workspaces: WORKSPACES,
    seed: SEED,
  });
  expect(workspaces).toBe(WORKSPACES);
  expect([left > 50, omitted > 5]).toEqual([true, true]);
}, 120_000);
