import { watchForOthers } from "../../../../infra/agent/attempt/superseded.ts";
import { startFakeClock } from "../fake-clock.ts";

function startWatching() {
  const clock = startFakeClock();
  const looks: number[] = [];
  const world = { isThere: false };
  const exists = async (): Promise<boolean> => {
    looks.push(clock.now());
    return world.isThere;
  };
  const { isSuperseded, suspect } = watchForOthers({ exists }, "manifest.json", clock);
  const pollFor = async (ms: number) => {
    for (const end = clock.now() + ms; clock.now() < end; ) {
      await clock.advance(2_000);
      if (await isSuperseded()) return true;
    }
    return false;
  };
  return { looks, world, suspect, pollFor };
}

test("whether others have decided is looked for each minute", async () => {
  const { looks, world, pollFor } = startWatching();
  expect(await pollFor(130_000)).toBe(false);
  expect(looks).toEqual([60_000, 120_000]);
  world.isThere = true;
  expect(await pollFor(60_000)).toBe(true);
});

test("a suspicion makes it look at once, further ones every ten seconds", async () => {
  const { looks, suspect, pollFor } = startWatching();
  for (let second = 0; second < 24; second += 2) {
    suspect();
    await pollFor(2_000);
  }
  expect(looks).toEqual([2_000, 12_000, 22_000]);
});
