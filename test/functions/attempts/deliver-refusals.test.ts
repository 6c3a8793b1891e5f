import { sweep } from "../../../functions/attempts/sweep.ts";
import { TIMING } from "../../../shared/limits.ts";
import { placesOf } from "../../../shared/run/owed-delivery.ts";
import { startDeliveries } from "../../support/deliveries.ts";

const CALL = "GET /repos/more/site/installation";
const NOW = new Date("2026-01-01T00:00:00Z");
const REFUSALS = [
  [401, { message: "Bad credentials" }, "does not take the App's key"],
  [404, { message: "Not Found" }, "is not installed in more/site"],
  [403, { message: "Resource not accessible by integration" }, "403 Resource not accessible"],
  [422, { message: "The permissions requested are not granted" }, "may not write in more/site"],
] as const;
const PASSING = [
  [500, {}, "Server Error", 30],
  [502, { "retry-after": "100" }, "Bad Gateway", 100],
  [429, { "retry-after": "240" }, "Too many", 240],
  [403, { "retry-after": "90" }, "You have exceeded a secondary rate limit", 90],
  [
    403,
    {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(NOW.getTime() / 1000 + 600),
      date: NOW.toUTCString(),
    },
    "API rate limit exceeded",
    600,
  ],
] as const;

test("what GitHub refuses for good ends the delivery, with what mends it", async () => {
  await using world = await startDeliveries();
  for (const [status, body, why] of REFUSALS) {
    const run = await world.finish();
    world.github.instead.set(CALL, [{ status, body }]);
    await world.deliver(run);
    expect(await world.repositoryOf(run)).toMatchObject({
      delivery: "refused",
      why: expect.stringContaining(why),
    });
    expect((await world.record(run.run.id)).state.delivery).toBeNull();
  }
});

test("what passes is tried again when GitHub says, and for no more than a day", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  for (const [status, headers, message, seconds] of PASSING) {
    const run = await world.finish();
    const dueIn = async () => {
      const { delivery } = (await world.record(run.run.id)).state;
      const [place] = delivery ? placesOf(delivery) : [];
      const at = place?.notBefore?.getTime() ?? 0;
      return Math.round((at - Date.now()) / 1000);
    };
    github.instead.set(CALL, [{ status, headers, body: { message } }]);
    await world.deliver(run);
    expect(await dueIn()).toBeGreaterThan(seconds - 20);
    expect(await dueIn()).toBeLessThanOrEqual(seconds + 1);
    expect(await world.repositoryOf(run)).toMatchObject({
      delivery: "waiting",
      why: expect.stringContaining(`: GitHub does not open the repository: ${status} ${message}`),
    });
    // Too early.
    await world.deliver(run);
    expect(await world.repositoryOf(run)).toMatchObject({ delivery: "waiting" });
    await world.pass(seconds + 1);
    await world.deliver(run);
    expect(await world.repositoryOf(run)).toMatchObject({ delivery: "done" });
  }
  const hopeless = await world.finish();
  await world.pass(24 * 3600);
  github.instead.set(CALL, [{ status: 503, body: {} }]);
  await world.deliver(hopeless);
  expect(await world.repositoryOf(hopeless)).toMatchObject({
    delivery: "refused",
    why: "Given up after 24 hours and 1 tries: GitHub does not open the repository: 503 ",
  });
});

test("the sweep asks for a delivery whose message was lost", async () => {
  await using world = await startDeliveries();
  const run = await world.finish();
  const asked: unknown[] = [];
  const { publisher } = world.services;
  const services = {
    ...world.services,
    publisher: {
      publishAttempt: () => Promise.reject(new Error("not asked for here")),
      publishAdmission: () => Promise.reject(new Error("not asked for here")),
      publishDeadLetter: () => Promise.reject(new Error("not asked for here")),
      publishEvent: async () => {},
      publishDelivery: () => Promise.reject(new Error("not asked for here")),
      publishFires: () => Promise.reject(new Error("not asked for here")),
      publishRunDelivery: async (message) => void asked.push(message),
    } satisfies typeof publisher,
  };
  await sweep(services);
  expect(asked).toEqual([]);
  await world.pass(TIMING.pendingDue + 1);
  await sweep(services);
  expect(asked).toEqual([{ runId: run.run.id }]);
  await sweep(services);
  expect(asked).toHaveLength(1);
  await world.deliver(run);
  await world.pass(24 * 3600);
  await sweep(services);
  // What is asked for by now is how the pull request is.
  expect(asked.slice(1)).toEqual([{ pullRequest: expect.stringMatching(/\/pull\/1$/) }]);
});

test("nothing is delivered where the operator's table has no row for the owner any more", async () => {
  await using world = await startDeliveries();
  const run = await world.finish({ owner: "thief" });
  await world.deliver(run);
  expect(world.github.asked).toEqual([]);
  expect(await world.repositoryOf(run)).toMatchObject({
    delivery: "refused",
    why: expect.stringContaining("to more/site is not for thief"),
  });
});
