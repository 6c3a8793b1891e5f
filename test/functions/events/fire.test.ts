import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { asking, fire, type Occasion } from "../../../functions/events/fire.ts";
import type { Services } from "../../../functions/services/services.ts";
import { dayOf } from "../../../shared/triggers/counts.ts";
import { eventObject } from "../../../shared/triggers/event-object.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type { Firing, Trigger } from "../../../shared/triggers/trigger.ts";
import { type Pipeline, startPipeline } from "../../support/pipeline.ts";
import { makeEvent, storeTrigger, withNotes } from "../../support/triggers.ts";

/** Asks a trigger about an event, as `trigger-fires` has it asked. */
async function ask(services: Services, trigger: Trigger, about: IncomingEvent | Occasion) {
  const occasion = "event" in about ? about : { event: about };
  return fire(services, trigger, asking(services, occasion));
}

const outcomeOf = (decided: Awaited<ReturnType<typeof ask>>) =>
  decided?.is === "decided" || decided?.is === "duplicate"
    ? { is: decided.is, outcome: decided.firing.outcome, why: decided.firing.why }
    : decided;

const nameOf = (decided: Awaited<ReturnType<typeof ask>>): string =>
  decided?.is === "decided" ? decided.firing.outcome : `${decided?.is}`;

const firingsOf = (services: Services, { id }: Trigger): Promise<Firing[]> =>
  services.triggers.listFirings({ triggerId: id }, { limit: 1000 });

const runsOf = async (services: Services, { id }: Trigger) => {
  const firings = await services.triggers.listFirings({ triggerId: id }, { limit: 1000 });
  const ids = new Set(firings.flatMap(({ runId }) => runId ?? []));
  const records = await Promise.all([...ids].map((runId) => services.runs.getRecord(runId)));
  return records.flatMap((record) => record ?? []);
};

/** A run is over, as a caller's cancel or the verdict has it. */
async function end(services: Services, runId: string, how: "cancel" | "failed"): Promise<void> {
  if (how === "cancel") return void (await applyEvent(services, runId, { type: "cancel" }));
  await applyEvent(services, runId, {
    type: "settled",
    attempt: 1,
    settlement: {
      verdict: { outcome: "agent_failed", message: "It broke.", deniedTools: [] },
      spentUsd: 0.25,
    } as never,
    build: null,
    ended: null,
    liveBuild: null,
    next: { nonce: "n", sessionId: "s", chance: 0 },
  });
}

async function world(): Promise<Pipeline & ReturnType<typeof withNotes>> {
  const pipeline = await startPipeline();
  const notes = withNotes(pipeline.services);
  return Object.assign(pipeline, notes);
}

test("one event and one trigger make one run, however often and at once it comes", async () => {
  await using all = await world();
  const { services, attempts } = all;
  const trigger = await storeTrigger(services, { labels: { team: "red" }, overlap: "queue" });
  const event = makeEvent("one", { extensions: { runyarddepth: 2 } });
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(services, trigger, event)));
  expect(answers.map((answer) => answer?.is).sort()).toEqual([
    "decided",
    ...Array(7).fill("duplicate"),
  ]);
  const [run, ...others] = await runsOf(services, trigger);
  expect(others).toEqual([]);
  expect(run?.run).toMatchObject({ owner: "owner", labels: { team: "red" }, status: "pending" });
  expect(run?.state.origin).toMatchObject({ triggerId: trigger.id, depth: 3 });
  // Each delivery has the pending run published: the first one may have died before it did.
  expect(attempts).toHaveLength(8);
  const request = await services.runs.getRequest(run?.run.id ?? "");
  expect(request?.prompt).toMatch(/^Look at one\n\n---\nAn event started this run/);
  expect(request?.settings).not.toMatchObject({ instructions: expect.stringContaining("one") });
  const [file] = request?.files ?? [];
  expect(JSON.parse(file?.content ?? "")).toEqual(event);
  const [firing] = await firingsOf(services, trigger);
  expect(firing).toMatchObject({ outcome: "matched", runId: run?.run.id, depth: 3 });
  expect(firing?.duplicates).toHaveLength(7);
  expect(await services.events.read(firing?.event.object ?? "")).toEqual(event);
  await sameKey(services);
  await redelivered(services, trigger, event);
  await refused(services);
  await revised(services);
  await inConversations(services);
  await inLanes(services, attempts);
}, 240_000);

async function sameKey(services: Services): Promise<void> {
  const trigger = await storeTrigger(services, {
    dedupe: "event.data.name",
    filter: "event.data.ok",
  });
  const event = (id: string, ok: boolean) => makeEvent(id, { data: { name: "same", ok } });
  expect(outcomeOf(await ask(services, trigger, event("1", false)))?.is).toBe("decided");
  // A filtered event does not use up the key of a later one.
  expect(outcomeOf(await ask(services, trigger, event("2", true)))).toMatchObject({
    outcome: "matched",
  });
  expect(outcomeOf(await ask(services, trigger, event("3", true)))?.is).toBe("duplicate");
  expect(await runsOf(services, trigger)).toHaveLength(1);
  const large = makeEvent("4", { data: { name: "big", ok: true, text: "x".repeat(100_000) } });
  await ask(services, trigger, large);
  const runs = await runsOf(services, trigger);
  const requests = await Promise.all(runs.map(({ run }) => services.runs.getRequest(run.id)));
  const files = requests.flatMap((request) => request?.files ?? []);
  const object = files.find(({ encoding }) => encoding === "object");
  expect(await services.events.read(object?.content ?? "")).toEqual(large);
}

async function redelivered(
  services: Services,
  trigger: Trigger,
  event: IncomingEvent,
): Promise<void> {
  const [firing] = await firingsOf(services, trigger);
  const again = (request: string) =>
    ask(services, trigger, { event, redelivery: { of: firing?.id ?? "", request } });
  expect(outcomeOf(await again("first"))).toMatchObject({ is: "decided", outcome: "matched" });
  expect(outcomeOf(await again("first"))).toMatchObject({ is: "duplicate", outcome: "matched" });
  expect(outcomeOf(await again("second"))).toMatchObject({ is: "decided", outcome: "matched" });
  expect(await runsOf(services, trigger)).toHaveLength(3);
}

async function refused(services: Services): Promise<void> {
  const deep = makeEvent("deep", { extensions: { runyarddepth: 5 } });
  const trigger = await storeTrigger(services);
  expect(outcomeOf(await ask(services, trigger, deep))).toMatchObject({
    outcome: "limited",
    why: expect.stringContaining("5 runs have started each other"),
  });
  const ungranted = { ...services, eventGrants: [] };
  expect(outcomeOf(await ask(ungranted, trigger, makeEvent("mine")))).toMatchObject({
    outcome: "error",
    why: expect.stringContaining("RUNYARD_EVENT_GRANTS"),
  });
  const unknown = await storeTrigger(services, { agent: "nobody" });
  expect(outcomeOf(await ask(services, unknown, makeEvent("1")))).toMatchObject({
    outcome: "error",
    why: expect.stringContaining("nobody"),
  });
  const disabled = await storeTrigger(services, { enabled: false });
  expect(await ask(services, disabled, makeEvent("1"))).toEqual({ is: "gone" });
  const other = makeEvent("1", { type: "another" });
  expect(await ask(services, trigger, other)).toBeUndefined();
  expect(await services.events.read(eventObject(JSON.stringify(other)))).toBeUndefined();
  expect(await firingsOf(services, disabled)).toEqual([]);
  for (const one of [trigger, unknown]) expect(await runsOf(services, one)).toEqual([]);
}

/** What was evaluated with another revision is evaluated once more. */
async function revised(services: Services): Promise<void> {
  const trigger = await storeTrigger(services);
  await services.triggers.transact(trigger.id, (before) => ({
    ...before,
    revision: 2,
    filter: "false",
  }));
  expect(outcomeOf(await ask(services, trigger, makeEvent("1")))).toMatchObject({
    outcome: "filtered",
  });
  const [firing] = await firingsOf(services, trigger);
  expect(firing?.revision).toBe(2);
}

async function inConversations(services: Services): Promise<void> {
  const trigger = await storeTrigger(services, {
    conversation: "event.data.pr",
    agent: { settings: { maxTurns: 7 } },
  });
  const of = (id: string, pr: string) => makeEvent(id, { data: { name: id, pr } });
  for (const [id, pr] of [
    ["1", "a"],
    ["2", "a"],
    ["3", "b"],
  ] as const) {
    await ask(services, trigger, of(id, pr));
  }
  const runs = await runsOf(services, trigger);
  const turns = runs.map(({ run, state }) => [
    run.conversation.id,
    run.conversation.turn,
    state.waitsForTurn,
  ]);
  const [a, b] = [...new Set(turns.map(([id]) => id))];
  expect(new Set([a, b]).size).toBe(2);
  expect(turns.filter(([, turn]) => turn === 2)).toEqual([[expect.any(String), 2, true]]);
  const conversation = await services.conversations.get(String(turns.find(([, , w]) => w)?.[0]));
  expect(conversation?.queue).toHaveLength(1);
}

async function inLanes(services: Services, attempts: { runId: string }[]): Promise<void> {
  const skipping = await storeTrigger(services, { overlap: "skip" });
  await ask(services, skipping, makeEvent("1"));
  expect(outcomeOf(await ask(services, skipping, makeEvent("2")))).toMatchObject({
    outcome: "limited",
    why: expect.stringContaining("overlap is skip"),
  });
  const queueing = await storeTrigger(services, { overlap: "queue" });
  const ids: string[] = [];
  for (const id of ["1", "2", "3"]) {
    const decided = await ask(services, queueing, makeEvent(id));
    ids.push(decided?.is === "decided" ? (decided.firing.runId ?? "") : "");
  }
  const [first = "", second = "", third = ""] = ids;
  const waits = async (id: string) => (await services.runs.getRecord(id))?.state.waitsForTurn;
  expect(await Promise.all(ids.map(waits))).toEqual([false, true, true]);
  expect((await services.runs.getRun(second))?.why).toContain("the trigger's run before it");
  // One that waits may be cancelled; the end of the first wakes the next that is left.
  await end(services, second, "cancel");
  attempts.length = 0;
  await end(services, first, "cancel");
  expect(await waits(third)).toBe(false);
  expect(attempts.map(({ runId }) => runId)).toEqual([third]);
  const cancelling = await storeTrigger(services, { overlap: "cancel" });
  await ask(services, cancelling, makeEvent("1"));
  await ask(services, cancelling, makeEvent("2"));
  const runs = await runsOf(services, cancelling);
  expect(runs.map(({ run }) => run.status).sort()).toEqual(["cancelled", "pending"]);
  expect(runs.every(({ state }) => !state.waitsForTurn || state.phase === "cancelled")).toBe(true);
}

test("limits are exact, whatever comes at once; money is set aside and settled", async () => {
  await using all = await world();
  const { services } = all;
  const trigger = await storeTrigger(services, { limits: { runsPerHour: 230, runsPerDay: 12 } });
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => ask(services, trigger, makeEvent(`${n}`))),
  );
  const outcomes = answers.map(nameOf);
  expect(outcomes.filter((outcome) => outcome === "matched")).toHaveLength(12);
  expect(outcomes.filter((outcome) => outcome === "limited")).toHaveLength(28);
  expect(await runsOf(services, trigger)).toHaveLength(12);

  const spending = await storeTrigger(services, {
    limits: { runsPerHour: 100, runsPerDay: 100, usdPerDay: 2.5 },
    agent: { settings: { maxBudgetUsd: 1 } },
  });
  const three = await Promise.all(
    ["1", "2", "3"].map((id) => ask(services, spending, makeEvent(id))),
  );
  expect(three.map(nameOf).sort()).toEqual(["limited", "matched", "matched"]);
  const [one] = await runsOf(services, spending);
  await end(services, one?.run.id ?? "", "cancel");
  expect(outcomeOf(await ask(services, spending, makeEvent("4")))).toMatchObject({
    outcome: "matched",
  });
  expect(one?.state.origin).toMatchObject({
    count: `${spending.id}.${dayOf(new Date())}.0`,
    reservedMicros: 1_000_000,
  });
  expect(await services.firings.todayOf([trigger, spending], services.now())).toEqual([
    { runs: 12, usd: null },
    { runs: 3, usd: 2 },
  ]);
}, 240_000);

test("a trigger pauses itself after ten failures in a row", async () => {
  await using all = await world();
  const { services } = all;
  const trigger = await storeTrigger(services, { prompt: "{{ event.data.name | nothing }}" });
  for (let n = 0; n < 10; n += 1) await ask(services, trigger, makeEvent(`${n}`));
  const paused = await services.triggers.get(trigger.id);
  expect(paused).toMatchObject({
    route: null,
    pausedWhy: expect.stringContaining("again and again"),
  });
  expect(await ask(services, trigger, makeEvent("11"))).toEqual({ is: "gone" });
}, 240_000);
