import { doLast } from "../../../../functions/closing.ts";
import { startOpenTelemetry } from "../../../../functions/cloud/telemetry/open-telemetry.ts";
import type { Telemetry } from "../../../../functions/services/telemetry.ts";
import type { ReceivedPoint, ReceivedSpan } from "../../../../infra/emulators/otlp/messages.ts";
import { type RunningOtlp, startOtlp } from "../../../../infra/emulators/otlp/start.ts";
import type { Verdict } from "../../../../shared/attempt/verdict.ts";
import { AppError } from "../../../../shared/errors.ts";
import type { RunEvent, RunRecord } from "../../../../shared/run/record.ts";
import { next } from "../../../../shared/run/run.ts";
import { setVariables } from "../../../support/environment.ts";
import { after, at, cancel, deferred, lease, makeRun, settled } from "../../../support/make-run.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SUBMISSION = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
const SECRET = "what a user wrote";

let receiver: RunningOtlp;
let putBack: () => void;
let telemetry: Telemetry;
const spans: ReceivedSpan[] = [];
const points: ReceivedPoint[] = [];
const bodies: Buffer[] = [];

beforeAll(async () => {
  receiver = await startOtlp({
    onSpans: (received) => void spans.push(...received),
    onPoints: (received) => void points.push(...received),
    onBody: (body) => void bodies.push(body),
  });
  putBack = setVariables({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_RESOURCE_ATTRIBUTES: "cloud.region=us-central1,gcp.project_id=p",
  });
  const other = { traces: "other", metrics: "other" } as const;
  const settings = { ...other, serviceName: "runyard-test" };
  telemetry = startOpenTelemetry(settings, () => undefined);
});
afterAll(async () => {
  putBack();
  await receiver[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const received of [spans, points, bodies]) received.length = 0;
});

function committed(before: RunRecord, event: RunEvent): RunRecord {
  const made = next(before, event, at(30));
  if (!made.changed) throw new Error(made.reason);
  telemetry.committed({ event, before, made, from: at(29) });
  return made.record;
}

function traced(record: RunRecord): RunRecord {
  return { ...record, state: { ...record.state, trace: PARENT, submissionTrace: SUBMISSION } };
}

test("work is a span below its parent's, and what goes on from it is told its context", async () => {
  const facts = { "runyard.run.id": "run_1", "runyard.attempt": 1 };
  const span = { name: "outer", kind: "server", parent: PARENT, facts } as const;
  await telemetry.within({ ...span, factsOf: () => ({ late: true }) }, async (context) => {
    await telemetry.within({ name: "inner", parent: context, facts }, async () => undefined);
  });
  await telemetry.flush();
  const [outer, inner] = ["outer", "inner"].map((name) => spans.find((one) => one.name === name));
  expect(outer).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
    kind: 2,
    attributes: { ...facts, late: true },
    resource: {
      "service.name": "runyard-test",
      "cloud.region": "us-central1",
      "gcp.project_id": "p",
      "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  expect(inner).toMatchObject({ traceId: outer?.traceId, parentSpanId: outer?.spanId });
});

test("work without a parent begins a trace; what is not sampled by its caller is not sent", async () => {
  const told: (string | null)[] = [];
  const work = async (context: string | null) => void told.push(context);
  await telemetry.within({ name: "alone", parent: null, facts: {} }, work);
  const unsampled = PARENT.replace(/01$/, "00");
  await telemetry.within({ name: "silent", parent: unsampled, facts: {} }, work);
  await telemetry.flush();
  expect(spans.map(({ name }) => name)).toEqual(["alone"]);
  expect(told[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(told[1]).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
});

test.each([
  [new AppError("invalid", { detail: SECRET }), "invalid"],
  [new Error(SECRET), "internal"],
])("of what fails only the code is told: %#", async (error, type) => {
  const span = { name: "failing", parent: PARENT, facts: {} };
  await expect(telemetry.within(span, () => Promise.reject(error))).rejects.toBe(error);
  await telemetry.flush();
  expect(spans).toMatchObject([{ isError: true, attributes: { "error.type": type } }]);
  expect(Buffer.concat(bodies).toString("latin1")).not.toContain(SECRET);
});

test("what an attempt went through is told when it is settled, without what came out in words", async () => {
  const running = traced(makeRun({ prompt: SECRET }));
  const verdict: Verdict = { outcome: "agent_error", message: SECRET, deniedTools: [SECRET] };
  const phases = [{ name: "agent", ms: 4000 } as const];
  const leased = traced(after(running, lease));
  committed(
    { ...leased, run: { ...leased.run, phases: [{ name: "queue", ms: 2000 }] } },
    settled("agent_error", {
      build: { id: "b-1", name: "projects/p/locations/l/builds/b-1" },
      settlement: { verdict, phases, spentUsd: 0.25 },
    }),
  );
  await telemetry.flush();
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  names.set("b7ad6b7169203331", "accept").set("00f067aa0ba902b7", "submit-build");
  const tree = spans.map(({ name, parentSpanId }) => `${names.get(parentSpanId)} > ${name}`);
  expect(tree.toSorted()).toEqual([
    "accept > queue",
    "build > agent",
    "build > complete",
    "submit-build > build",
  ]);
  expect(spans.find(({ name }) => name === "complete")?.attributes).toMatchObject({
    "runyard.outcome": "agent_error",
    "runyard.status": "failed",
    "runyard.cost_usd": 0.25,
  });
  expect(Buffer.concat(bodies).toString("latin1")).not.toContain(SECRET);
});

test("a run that is cancelled before anything began is complete, and one in no trace tells none", async () => {
  committed(traced(makeRun()), cancel);
  committed(makeRun(), cancel);
  await telemetry.flush();
  expect(spans).toMatchObject([{ name: "complete", parentSpanId: "00f067aa0ba902b7" }]);
});

test("metrics are sums from the process's start, in rows that no caller can add to", async () => {
  telemetry.accepted();
  const waiting = { slot: 3, no_slots: 0, cloud_build: 2, other: 1 };
  await telemetry.waiting(async () => waiting);
  const leased = traced(after(makeRun(), lease));
  committed(makeRun(), { type: "park", attempt: 1 });
  committed(makeRun(), { type: "park", attempt: 1, cause: SECRET });
  committed(leased, { ...deferred, cause: SECRET } as RunEvent);
  committed(leased, settled("submission_lost"));
  await doLast();
  const rows = points.map(({ metric, value, attributes }) => [metric, attributes, value] as const);
  const waits = rows.filter(([metric]) => metric === "runyard.runs.waits");
  expect(new Map(waits.map(([, { cause }, value]) => [cause, value]))).toEqual(
    new Map([
      ["slot", 1],
      ["no_slots", 1],
      ["refused", 1],
      ["retry", 1],
    ]),
  );
  expect(rows).toContainEqual(["runyard.runs.accepted", {}, 1]);
  const now = rows.filter(([metric]) => metric === "runyard.runs.waiting");
  expect(Object.fromEntries(now.map(([, { cause }, value]) => [cause, value]))).toEqual(waiting);
  expect(rows).toContainEqual(["runyard.cost", {}, 0.25]);
  expect(rows).toContainEqual(["runyard.phase.duration", { phase: "agent" }, 4]);
  const ended = { outcome: "agent_error", status: "failed" };
  expect(rows).toContainEqual(["runyard.attempts.settled", ended, 1]);
  const sums = points.filter(({ metric }) => metric !== "runyard.runs.waiting");
  expect(sums.every(({ isCumulative }) => isCumulative)).toBe(true);
  expect(JSON.stringify(points)).not.toMatch(/run_0|what a user wrote/);
});

test("a receiver that is not there keeps no work from being done", async () => {
  await receiver[Symbol.asyncDispose]();
  const work = async () => 1;
  const done = await telemetry.within({ name: "unheard", parent: PARENT, facts: {} }, work);
  expect(done).toBe(1);
  await telemetry.flush();
  receiver = await startOtlp({});
});
