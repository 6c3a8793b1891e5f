import type { Fault } from "../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../infra/emulators/wire/faults.ts";
import type { Run } from "../../shared/documents/run.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;
const COMMIT = "google.firestore.v1.Firestore/Commit";

async function send(world: World, key?: string): Promise<Response> {
  const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  return world.call("/runs", { json: { prompt: "Create hello.txt" }, headers });
}

const creates = (request: { writes?: { currentDocument?: { exists?: boolean } }[] }) =>
  request.writes?.some(({ currentDocument }) => currentDocument?.exists === false) ?? false;

/** Whatever goes wrong once on the way, the run ends well, in its first attempt, in one build. */
const HARMLESS: [string, Fault][] = [
  [
    "the commit that accepts the run loses its acknowledgement",
    {
      method: COMMIT,
      when: { count: 1, matches: creates },
      do: { type: "failAfter", status: "UNAVAILABLE" },
    },
  ],
  [
    "the message is published twice",
    { method: "google.pubsub.v1.Publisher/Publish", when: { count: 1 }, do: { type: "duplicate" } },
  ],
  [
    "the publish loses its acknowledgement",
    {
      method: "google.pubsub.v1.Publisher/Publish",
      when: { count: 1 },
      do: { type: "failAfter", status: "UNAVAILABLE" },
    },
  ],
  [
    "every push comes twice",
    { method: "push", when: { probability: 1 }, do: { type: "duplicate" } },
  ],
  [
    "build messages overtake each other",
    { method: "cloud-builds", when: { count: 1 }, do: { type: "reorder" } },
  ],
  [
    "build messages come twice",
    { method: "cloud-builds", when: { probability: 1 }, do: { type: "duplicate" } },
  ],
  [
    "an upload loses its acknowledgement",
    {
      method: "storage.objects.insert",
      when: { count: 1, after: 1 },
      do: { type: "failAfter", status: "UNAVAILABLE" },
    },
  ],
];

describe("one run, although", () => {
  test.each(HARMLESS)(
    "%s",
    async (_name, fault) => {
      const faults = injectFaults([fault], { seed: 1 });
      await using world = await startWorld({ faults });
      const response = await send(world);
      expect(response.status).toBe(202);
      const { id } = (await response.json()) as Run;
      const run = (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
      expect(run).toMatchObject({ status: "succeeded", attempt: 1 });
      const claims = await world.storage
        .bucket("runyard-local")
        .getFiles({ prefix: `attempts/${id}/` });
      expect(claims[0].filter(({ name }) => name.endsWith("/claim"))).toHaveLength(1);
      faults.assertFired();
    },
    TIMEOUT_MS,
  );
});

test(
  "a run on which everything goes wrong once succeeds, in one build",
  async () => {
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
  },
  TIMEOUT_MS,
);

test(
  "the last build message is lost: the sweep settles the run when it is due",
  async () => {
    const terminal = {
      matches: ({ attributes }: { attributes: { status: string } }) =>
        attributes.status === "SUCCESS",
    };
    const faults = injectFaults(
      [{ method: "cloud-builds", when: terminal, do: { type: "drop" } }],
      { seed: 1 },
    );
    await using world = await startWorld({ faults });
    const { id } = (await (await send(world)).json()) as Run;
    await snapshotsUntil(
      world.firestore,
      id,
      ({ progress }) => progress?.turn === 2 || progress?.turn === 1,
    );
    const state = world.firestore.doc(`runState/${id}`);
    // As if its time had come.
    const due = async () => {
      await state.update({ dueAt: new Date(Date.now() - 1000) });
      await world.local.tick();
      return (await world.firestore.doc(`runs/${id}`).get()).get("status");
    };
    let status = await due();
    for (let tries = 0; status !== "succeeded" && tries < 50; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      status = await due();
    }
    expect(status).toBe("succeeded");
    faults.assertFired();
  },
  TIMEOUT_MS,
);

describe("the API while Firestore", () => {
  test.each([
    { name: "is not there answers 503", status: "UNAVAILABLE", code: "unavailable" },
    { name: "takes no more answers 429", status: "RESOURCE_EXHAUSTED", code: "rate_limited" },
  ] as const)(
    "$name, with when to come again, and nothing is lost",
    async ({ name, status, code }) => {
      const fault: Fault = {
        method: "google.firestore.v1.Firestore/BatchGetDocuments",
        when: { matches: () => isDown },
        do: { type: "failBefore", status },
      };
      let isDown = false;
      const faults = injectFaults([fault], { seed: 1 });
      await using world = await startWorld({ faults, concurrentBuilds: 1 });
      const { id } = (await (await send(world, "k")).json()) as Run;
      isDown = true;
      const response = await world.call(`/runs/${id}`);
      expect(name).toContain(String(response.status));
      expect(response.headers.get("retry-after")).toBe("5");
      expect(await response.json()).toMatchObject({ code });
      isDown = false;
      expect((await world.call(`/runs/${id}`)).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});
