import { injectFaults } from "../../infra/local/wire/faults.ts";
import type { Run } from "../../shared/run-schema.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld } from "../support/world.ts";

test("a run on which everything goes wrong once succeeds, in one build", async () => {
  const faults = injectFaults([
    {
      method: "google.pubsub.v1.Publisher/Publish",
      when: { count: 1 },
      do: { type: "failAfter", status: "UNAVAILABLE" },
    },
    { method: "push", when: { count: 1 }, do: { type: "duplicate" } },
    { method: "cloud-builds", when: { count: 1 }, do: { type: "reorder" } },
    {
      method: "cloud-builds",
      when: { matches: ({ attributes }) => attributes.status === "SUCCESS" },
      do: { type: "duplicate" },
    },
    {
      method: "storage.objects.insert",
      when: { count: 1, matches: ({ query }) => query.ifGenerationMatch === "0" },
      do: { type: "cut", at: "after" },
    },
  ]);
  await using world = await startWorld({ faults });
  const sent = await world.call("/runs", { json: { prompt: "Create hello.txt" } });
  const { id } = (await sent.json()) as Run;
  const run = (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
  expect([run.status, run.attempt]).toEqual(["succeeded", 1]);
  faults.assertFired();
}, 60_000);
