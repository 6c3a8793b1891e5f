import { describe as describeFigures, runDurability } from "./run.ts";

const SECONDS = 60;

test(
  "nothing acknowledged is lost, halved or done twice when the stand-in is killed over and over",
  async () => {
    const figures = await runDurability({ seconds: SECONDS, seed: 20_260_102 });
    expect(figures.violations).toEqual([]);
    // Without these it would prove nothing.
    expect(figures.kills).toBeGreaterThanOrEqual(20);
    for (const [service, { acknowledged, ambiguous }] of Object.entries(figures.tallies)) {
      expect([service, acknowledged > 50]).toEqual([service, true]);
      if (ambiguous > 0) continue;
      throw new Error(`no kill met any of the ${service}:\n${describeFigures(figures)}`);
    }
  },
  (SECONDS + 120) * 1000,
);

test("the harness notices a build that is made twice and messages that are lost", async () => {
  const { violations, kills } = await runDurability({
    seconds: 4,
    seed: 3,
    // Each time, so that it does not depend on which of them a kill meets.
    faults: [
      {
        method: "google.devtools.cloudbuild.v1.CloudBuild/CreateBuild",
        when: { count: 1000 },
        do: { type: "duplicate" },
      },
      { method: "cloud-builds", when: { count: 1000 }, do: { type: "drop" } },
    ],
  });
  expect(kills).toBeGreaterThan(0);
  expect(violations).toContainEqual(expect.stringMatching(/one call made 2 builds/));
  expect(violations).toContainEqual(expect.stringMatching(/no message told that/));
}, 120_000);
