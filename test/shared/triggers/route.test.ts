import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { isFor, routeOf, routesOf, runRouteOf } from "../../../shared/triggers/route.ts";
import type { TriggerSource } from "../../../shared/triggers/source.ts";

const event: IncomingEvent = {
  id: "1",
  source: "//storage.googleapis.com/projects/_/buckets/inbox",
  type: "google.cloud.storage.object.v1.finalized",
  subject: "objects/in/2026/11/report.csv",
  extensions: {},
  data: {},
};
const { type, source } = event;

const routed = (of: TriggerSource) =>
  routeOf({ owner: "ann", source: of, enabled: true, pausedWhy: null });
const eventSource = (more: object): TriggerSource => ({ kind: "event", type, ...more });
const finds = (of: TriggerSource, asked = event) => routesOf(asked).includes(routed(of) ?? "");

describe("an event finds the triggers of its type", () => {
  test.each([
    ["whatever their source", {}, true],
    ["of its source", { source }, true],
    ["of no other source", { source: `${source}2` }, false],
    ["by whole segments of the subject", { subject: "objects/in/" }, true],
    ["by the beginning of a segment", { subject: "objects/in/20" }, true],
    ["by all of the subject", { source, subject: event.subject }, true],
    ["by no other segment", { subject: "objects/out/" }, false],
  ])("%s", (_, more, expected) => {
    expect(finds(eventSource(more))).toBe(expected);
    expect(isFor(eventSource(more), event)).toBe(expected);
  });

  test("and asks eighteen routes at most, each once", () => {
    const deep = { ...event, subject: Array(50).fill("a").join("/") };
    expect(new Set(routesOf(deep)).size).toBe(18);
    expect(finds(eventSource({ subject: "a/".repeat(30) }), deep)).toBe(true);
  });

  test("of one without a subject by type and source alone", () => {
    const { subject: _, ...bare } = event;
    expect(finds(eventSource({ source }), bare)).toBe(true);
    expect(isFor(eventSource({ subject: "o" }), bare)).toBe(false);
  });
});

test("what a route leaves open is compared", () => {
  const of = eventSource({ subject: "objects/in/2027" });
  expect(finds(of)).toBe(true);
  expect(isFor(of, event)).toBe(false);
});

test("parts of a route do not run into each other", () => {
  const other = { ...event, source: "*", subject: "x" };
  expect(finds(eventSource({ source: "a", subject: "b/" }), { ...other, source: 'a","b' })).toBe(
    false,
  );
});

test.each([
  ["a schedule", { kind: "schedule", cron: "* * * * *" }],
  ["a hook", { kind: "webhook", verify: { scheme: "github" } }],
] as const)("%s has no route", (_, of) => {
  expect(routed(of)).toBeNull();
});

test("one that is disabled or paused has none", () => {
  const of = { owner: "ann", source: eventSource({}) };
  expect(routeOf({ ...of, enabled: false, pausedWhy: null })).toBeNull();
  expect(routeOf({ ...of, enabled: true, pausedWhy: "ten errors" })).toBeNull();
});

describe("the end of a run", () => {
  const run = {
    status: "failed",
    agent: { id: "agent_1", version: 3 },
    labels: { team: "red", stage: "one" },
  };
  const end: IncomingEvent = { ...event, type: "runyard.run.failed.v1", data: run };

  test("finds its owner's triggers", () => {
    expect(routed({ kind: "run", status: "any" })).toBe(runRouteOf("ann"));
    expect(runRouteOf("bob")).not.toBe(runRouteOf("ann"));
  });

  test.each([
    [{ status: "any" }, true],
    [{ status: "failed" }, true],
    [{ status: "succeeded" }, false],
    [{ status: "any", agent: "agent_1" }, true],
    [{ status: "any", agent: "agent_2" }, false],
    [{ status: "any", labels: { team: "red" } }, true],
    [{ status: "any", labels: { team: "red", stage: "two" } }, false],
  ] as const)("%j: %s", (of, expected) => {
    expect(isFor({ kind: "run", ...of } as TriggerSource, end)).toBe(expected);
  });

  test("whose data is nothing matches no label", () => {
    const nothing = { ...end, data: null };
    const of = { kind: "run", status: "any", labels: { a: "b" } } as const;
    expect(isFor(of, nothing)).toBe(false);
  });
});
