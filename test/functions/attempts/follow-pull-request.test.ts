import { PubSub } from "@google-cloud/pubsub";
import { deliver } from "../../../functions/attempts/deliver.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { HELLO, startDeliveries } from "../../support/deliveries.ts";

const URL_OF_FIRST = "https://github.com/more/site/pull/1";
const HOUR = 3600;
const DAY = 24 * HOUR;
type World = Awaited<ReturnType<typeof startDeliveries>>;

const tell = ({ services }: World) => deliver(services, { pullRequest: URL_OF_FIRST });
const change = ({ github }: World, changes: object) =>
  Object.assign(github.state.pulls[0] ?? {}, changes);
const watchOf = async (world: World, { run }: RunRecord) =>
  (await world.record(run.id)).state.watch;

test("a run says how its pull request is now, whatever a message says of it", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const first = await world.finish({ deliver: { pullRequest: { draft: true } } });
  await world.deliver(first);
  const second = await world.finish({
    after: first,
    deliver: { pullRequest: {} },
    entries: [...HELLO, { path: "more.txt", mode: "100644", text: "more\n" }],
  });
  await world.deliver(second);
  const notDelivered = await world.finish();
  const version = async () => (await world.record(first.run.id)).state.version;
  const before = await version();
  await tell(world);
  // Nothing of it is new.
  expect(await version()).toBe(before);
  expect(github.state.tokens.at(-1)?.permissions).toEqual({ pull_requests: "read" });
  change(world, { draft: false });
  github.state.mergeable = [false];
  await tell(world);
  for (const run of [first, second]) {
    expect(await world.repositoryOf(run)).toMatchObject({
      pullRequest: { number: 1, state: "open" },
      conflict: true,
      why: expect.stringMatching(/pull request #1\. The branch .* has moved on/),
    });
  }
  // GitHub computes it when it is asked.
  github.state.mergeable = [null, null, true];
  await tell(world);
  expect(await world.repositoryOf(first)).toMatchObject({
    conflict: false,
    why: expect.stringMatching(/pull request #1\.$/),
  });
  change(world, { state: "closed" });
  await tell(world);
  expect((await world.repositoryOf(first))?.pullRequest?.state).toBe("closed");
  expect(await watchOf(world, first)).toBeNull();
  change(world, { state: "open" });
  await tell(world);
  expect(await watchOf(world, first)).not.toBeNull();
  change(world, { state: "closed", merged_at: "2026-01-01T00:00:00Z" });
  await tell(world);
  expect(await world.repositoryOf(second)).toMatchObject({
    pullRequest: { state: "merged" },
    conflict: null,
    delivery: "done",
  });
  expect((await world.repositoryOf(notDelivered))?.pullRequest).toBeNull();
  // Of one that no run has nobody asks.
  const calls = github.asked.length;
  await deliver(world.services, { pullRequest: "https://github.com/more/site/pull/7" });
  expect(github.asked).toHaveLength(calls);
});

test("a pull request of which nothing is told is looked at, ever more seldom, for 30 days", async () => {
  await using world = await startDeliveries();
  const { github, services, config } = world;
  const run = await world.finish();
  await world.deliver(run);
  const asked = await looksAsked(config.projectId);
  await sweep(services);
  expect(await asked()).toBe(0);
  change(world, { state: "closed", merged_at: "2026-01-01T00:00:00Z" });
  github.instead.set("GET /repos/more/site/pulls/1", [{ status: 503, body: {} }]);
  await world.pass(HOUR + 1);
  await sweep(services);
  expect(await asked()).toBe(1);
  const later = (await watchOf(world, run))?.dueAt.getTime() ?? 0;
  // A host that does not answer is asked again earlier than it would be.
  await tell(world);
  const sooner = (await watchOf(world, run))?.dueAt.getTime() ?? 0;
  expect(later - sooner).toBeGreaterThan(HOUR * 1000);
  await tell(world);
  expect((await world.repositoryOf(run))?.pullRequest?.state).toBe("merged");
  await world.pass(DAY);
  await sweep(services);
  expect(await asked()).toBe(0);
  // One that nobody closes is left alone in the end.
  const open = await world.finish();
  await world.deliver(open);
  let looks = 0;
  for (; (await watchOf(world, open)) !== null; looks += 1) {
    await world.pass(DAY + 1);
    await sweep(services);
  }
  expect(looks).toBeGreaterThan(20);
  expect(await asked()).toBe(looks);
  await world.pass(DAY);
  await sweep(services);
  expect(await asked()).toBe(0);
}, 60_000);

test("where the operator lets nothing be delivered any more, nobody asks for it", async () => {
  await using world = await startDeliveries();
  const run = await world.finish();
  await world.deliver(run);
  const { repositoryHost } = world.services;
  const rule = { ...repositoryHost.rule, repositories: new Map() };
  const calls = world.github.asked.length;
  const withdrawn = Object.assign(Object.create(repositoryHost), { rule });
  await deliver({ ...world.services, repositoryHost: withdrawn }, { pullRequest: URL_OF_FIRST });
  expect(world.github.asked).toHaveLength(calls);
});

/** Counts the looks that `run-deliveries` was asked for since the last time. */
async function looksAsked(projectId: string) {
  const pubsub = new PubSub({ projectId });
  const [subscription] = await pubsub.topic("run-deliveries").createSubscription("looks");
  const seen: string[] = [];
  subscription.on("message", (message) => {
    seen.push(message.data.toString());
    message.ack();
  });
  let counted = 0;
  return async () => {
    const marker = `"marker${counted++}"`;
    await pubsub.topic("run-deliveries").publishMessage({ data: Buffer.from(marker) });
    while (!seen.includes(marker)) await new Promise((resolve) => setTimeout(resolve, 10));
    return seen.splice(0).filter((one) => one.includes(URL_OF_FIRST) || one.includes("pull/2"))
      .length;
  };
}
