import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildTimeoutSeconds,
  RETRY_LIMITS,
  RUN_LIMITS,
  STREAMS,
  TIMING,
} from "../../shared/limits.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("the timing table", () => {
  const ordered: [string, number, number][] = [
    ["a call ends before its handler", TIMING.callDeadline, TIMING.handlerBudget],
    ["CreateBuild ends before its handler", TIMING.createBuildDeadline, TIMING.handlerBudget],
    ["a handler ends before its message comes again", TIMING.handlerBudget, TIMING.ackDeadline],
    ["a delivery ends before its lease", TIMING.ackDeadline, TIMING.lease],
    ["the sweep comes more often than a lease lasts", TIMING.sweepInterval, TIMING.lease],
    [
      "the interrupted agent is killed within the time for stopping",
      TIMING.agentInterruptGrace,
      TIMING.agentStop,
    ],
    [
      "what an agent left ends within the time for stopping, though the agent was slow to exit",
      TIMING.leftoverGrace + 5,
      TIMING.agentStop,
    ],
    [
      "a cancelled agent may stop before its build is cancelled",
      TIMING.cancelPoll + TIMING.agentStop,
      TIMING.cancelGrace,
    ],
    [
      "a build's last calls (outputs in two turns, result.json, the manifest) wait within its time",
      4 * TIMING.storagePatience,
      TIMING.buildUpload + 1,
    ],
    ["an idle agent is found before a build of an hour ends", TIMING.agentIdle, 3600],
  ];
  test.each(ordered)("%s", (_name, less, more) => {
    expect(less).toBeLessThan(more);
  });

  test("a build outlasts its agent, its set-up and its uploads", () => {
    const { buildSetup, checkout, agentStop, buildUpload } = TIMING;
    expect(buildTimeoutSeconds(300)).toBe(buildSetup + checkout + 300 + agentStop + buildUpload);
  });

  test("the longest run's build is within Cloud Build's 24 hours", () => {
    expect(buildTimeoutSeconds(RUN_LIMITS.maxTimeoutSeconds)).toBeLessThanOrEqual(24 * 3600);
  });
});

test("each retry has its backoff, and no backoff is out of reach", () => {
  expect(RETRY_LIMITS.attemptBackoffSeconds).toHaveLength(RETRY_LIMITS.maxAttempts - 1);
});

/** What is deployed, starts it or calls it. */
const SOURCES = globSync(["{functions,shared,infra,client}/**/*.ts"], { cwd: ROOT }).map((file) =>
  readFileSync(join(ROOT, file), "utf8"),
);

describe.each(Object.entries({ RETRY_LIMITS, RUN_LIMITS, STREAMS, TIMING }))("%s", (table, of) => {
  test.each(Object.keys(of))("%s steers something", (name) => {
    const use = new RegExp(`\\b${table}\\.${name}\\b`);
    expect(SOURCES.filter((source) => use.test(source))).not.toEqual([]);
  });
});
