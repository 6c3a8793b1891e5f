import { runDurability } from "./run.ts";

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
