import { createHmac } from "node:crypto";
import type { DeliveryRecord } from "../../../shared/documents/delivery.ts";
import { DISABLED_TYPE, type WebhookRecord } from "../../../shared/documents/webhook.ts";
import { acceptRun } from "../../../shared/run/accept.ts";
import type { TriggerCount } from "../../../shared/triggers/counts.ts";
import type { Lane } from "../../../shared/triggers/lane.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import { beginAt } from "../../support/loopback-github.ts";
import { makeOrder } from "../../support/make-run.ts";
import { BUCKET } from "../world/options.ts";
import * as invariants from "./invariants.ts";
import type { Receiver } from "./outside.ts";
import * as parts from "./parts.ts";
import type { EventsWorld } from "./world.ts";

const BASE = "b".repeat(40);
const MINUTE_MS = 60_000;
const MERGE_MS = 45 * MINUTE_MS;
/** It stays so, however often it is asked. */
const GONE = Array<number>(20).fill(410);
/** Larger than what travels in a message. */
const LARGE = "x".repeat(260 * 1024);

type Wrong = string | undefined;
/** What does not hold at rest, by the names of the invariants. */
export type Held = Partial<Record<keyof typeof invariants | "everyStoryEnds", Wrong>>[];

/**
 * Tells what comes in.
 *
 * @returns what is to be held when nothing is left to be done
 */
export type Story = (world: EventsWorld) => Promise<() => Held>;

/** What must be true of a trigger's firings, of which so many have each outcome. */
function heldOf(world: EventsWorld, { id }: Trigger, expected: string): Held[number] {
  const firings = world.firingsOf(id);
  const counts = world.documents<TriggerCount>("triggerCounts");
  const { records } = world.witness;
  const ids = world.runsOf(id).map((run) => run.id);
  return {
    eachEventIsDecidedOnce: invariants.eachEventIsDecidedOnce(firings, expected),
    oneRunOfAnEvent: invariants.oneRunOfAnEvent(firings, new Set(records.keys())),
    everyRunIsOfAFiring: invariants.everyRunIsOfAFiring(firings, ids),
    countsAreExact: invariants.countsAreExact(
      counts.filter(({ triggerId }) => triggerId === id),
      ids.length,
    ),
    eachEventIsKept: invariants.eachEventIsKept(
      firings,
      new Set(world.objects.bucket(BUCKET).keys()),
    ),
    lanesAreFree: invariants.lanesAreFree(world.documents<Lane>("triggerLanes")),
  };
}

/** What must have arrived at a webhook that asks for the ends of runs. */
function heldAt(
  world: EventsWorld,
  { id, receiver }: { id: string; receiver: Receiver },
): Held[number] {
  const all = world.documents<DeliveryRecord>("deliveries");
  const own = all.filter(({ webhookId }) => webhookId === id);
  const wanted = [...world.witness.records.values()].flatMap(({ run }) =>
    run.history
      .filter(({ status }) => run.done && status === run.status)
      .map(({ version }) => `${run.id}-${version}`),
  );
  return {
    noDeliveryIsLost: invariants.noDeliveryIsLost(receiver, own, wanted),
    whatWasTakenIsDelivered: invariants.whatWasTakenIsDelivered(own),
  };
}

/** Each shows another way of events, in and out. */
export const STORIES = {
  async hook(world) {
    const { services } = world.open("setup");
    const hook = await parts.storedTrigger(services, "Hook", {
      source: { kind: "webhook", verify: { scheme: "github" } },
      labels: { step: "first" },
    });
    const next = await parts.storedTrigger(services, "Next", {
      source: { kind: "run", status: "succeeded", labels: { step: "first" } },
    });
    const webhook = await parts.storedWebhook(world, services, { name: "all" });
    const body = Buffer.from('{"action":"opened"}');
    const signature = createHmac("sha256", parts.HOOK_SECRET).update(body).digest("hex");
    // Played back by somebody under another id, it is the same.
    for (const delivery of ["1", "2"]) {
      const headers = {
        ...{ "content-type": "application/json", "x-github-event": "issues" },
        ...{ "x-github-delivery": delivery, "x-hub-signature-256": `sha256=${signature}` },
      };
      let status: number | undefined;
      for (let tries = 0; tries < 8 && status !== 202; tries += 1) {
        status = await world.postToHook(hook.id, headers, body);
        if (status !== 202) await world.time.sleep(5000);
      }
    }
    return () => [
      heldOf(world, hook, "1 matched"),
      heldOf(world, next, "1 matched"),
      heldAt(world, webhook),
    ];
  },

  async event(world) {
    const { services } = world.open("setup");
    const queue = await parts.storedTrigger(services, "Queue", {
      filter: "event.data.wanted",
      overlap: "cancel",
      limits: { runsPerHour: 1000, runsPerDay: 1000, usdPerDay: 1000 },
    });
    const webhook = await parts.storedWebhook(world, services, { name: "ill", answers: [500] });
    parts.publish(world, parts.eventOf("one", { wanted: true, text: LARGE }));
    parts.publish(world, parts.eventOf("two", { wanted: false }));
    return () => [heldOf(world, queue, "1 filtered, 1 matched"), heldAt(world, webhook)];
  },

  async limits(world) {
    const { services } = world.open("setup");
    const limits = { runsPerHour: 1, runsPerDay: 5 };
    const few = await parts.storedTrigger(services, "Few", { limits });
    const talk = await parts.storedTrigger(services, "Talk", {
      conversation: "event.data.talk",
      overlap: "queue",
    });
    const lane = await parts.storedTrigger(services, "Lane", { overlap: "queue" });
    for (const id of ["one", "two"]) parts.publish(world, parts.eventOf(id, { talk: 7 }));
    return () => [
      heldOf(world, few, "1 limited, 1 matched"),
      heldOf(world, talk, "2 matched"),
      heldOf(world, lane, "2 matched"),
      { oneRunAtATime: invariants.oneRunAtATime(world.runsOf(lane.id)) },
    ];
  },

  async expired(world) {
    const { services } = world.open("setup");
    const trigger = await parts.storedTrigger(services, "Expired");
    world.isAwaited = true;
    const isDecided = async () => {
      const isOver = () => world.runsOf(trigger.id).some(({ done }) => done);
      const isThere = () => world.firingsOf(trigger.id).length > 0 && isOver();
      for (let passed = 0; passed < 1200 && !isThere(); passed += 1) await world.time.sleep(1000);
    };
    parts.publish(world, parts.eventOf("one", {}));
    await isDecided();
    // Firings are kept for fewer days than runs.
    world.erase("firings");
    parts.publish(world, parts.eventOf("one", {}));
    await isDecided();
    world.isAwaited = false;
    return () => [heldOf(world, trigger, "1 duplicate")];
  },

  async schedule(world) {
    const { services } = world.open("setup");
    const first = new Date(Math.ceil(world.time.nowMs() / MINUTE_MS) * MINUTE_MS + MINUTE_MS);
    const clock = await parts.storedTrigger(services, "Clock", {
      source: { kind: "schedule", cron: "* * * * *" },
      dueAt: first,
    });
    world.isAwaited = true;
    const fired = () => world.firingsOf(clock.id).length;
    for (let passed = 0; passed < 600 && fired() < 2; passed += 1) await world.time.sleep(1000);
    await services.triggers.transact(clock.id, (before) => ({ ...before, dueAt: null }));
    world.isAwaited = false;
    return () => {
      const firings = world.firingsOf(clock.id);
      const held = heldOf(world, clock, `${Math.max(2, firings.length)} matched`);
      return [held, { noTickIsMissed: invariants.noTickIsMissed(firings, MINUTE_MS) }];
    };
  },

  async gone(world) {
    const { services } = world.open("setup");
    const gone = await parts.storedWebhook(world, services, { name: "gone", answers: GONE });
    const { id, receiver } = await parts.storedWebhook(world, services, {
      name: "told",
      events: [DISABLED_TYPE],
    });
    const trigger = await parts.storedTrigger(services, "Once");
    parts.publish(world, parts.eventOf("one", {}));
    return () => {
      const all = world.documents<DeliveryRecord>("deliveries");
      const told = all.filter(({ webhookId }) => webhookId === id);
      const webhooks = world.documents<WebhookRecord>("webhooks");
      const isOff = webhooks.some((one) => one.id === gone.id && !one.enabled);
      const expected = isOff ? [`${gone.id}-2-disabled`] : ["a webhook that is disabled"];
      return [
        heldOf(world, trigger, "1 matched"),
        { noDeliveryIsLost: invariants.noDeliveryIsLost(receiver, told, expected) },
      ];
    };
  },

  async "pull request"(world) {
    const { services } = world.open("setup");
    beginAt(world.github.state, BASE, { "a.txt": "a\n" });
    const lines = [
      { schemaVersion: 1, base: BASE, unnamed: 0 },
      { path: "hello.txt", mode: "100644", text: "hello\n" },
    ];
    const commit = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const order = makeOrder({
      prompt: JSON.stringify({ seconds: 4, turns: 1, commit }),
      settings: { repository: { url: "https://git.example/more/site" } },
      deliver: { pullRequest: { labels: ["runyard"] } },
    });
    const accepted = acceptRun(order, {
      ...{ id: `run_${"1".repeat(22)}`, owner: parts.OWNER, nonce: "n".repeat(22) },
      ...{ sessionId: "00000000-0000-4000-8000-000000000000", requestHash: "", writer: "proof" },
      now: services.now(),
    });
    await services.runs.create(accepted);
    world.redrive(accepted.run.id);
    mergeIn(world);
    return () => [
      { oneBranchAndPullRequest: invariants.oneBranchAndPullRequest(world.github) },
      { pullRequestIsFollowed: invariants.pullRequestIsFollowed(world.witness) },
    ];
  },
} satisfies Record<string, Story>;

/** Somebody merges the pull request, and GitHub tells nobody. */
function mergeIn(world: EventsWorld): void {
  world.time.after(MERGE_MS, () => {
    const { pulls } = world.github.state;
    for (const pull of pulls) Object.assign(pull, { state: "closed", merged_at: "2026-01-06" });
    if (pulls.length === 0) mergeIn(world);
  });
}

export type StoryName = keyof typeof STORIES;
