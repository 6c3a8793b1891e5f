import type { Run, RunEvent } from "../../client/types.ts";
import { makeRun } from "./make-run.ts";

/** A run as the API answers it, accepted at 2026-01-02T03:04:05Z. */
export function pageRun(overrides: Partial<Run> = {}): Run {
  return { ...(JSON.parse(JSON.stringify(makeRun().run)) as Run), ...overrides };
}

/** A run that is over, a minute after it was accepted. */
export function overRun(overrides: Partial<Run> = {}): Run {
  const verdict = { outcome: "succeeded", deniedTools: [] };
  const over = { status: "succeeded", done: true, why: "Done.", verdict } as const;
  return pageRun({ ...over, finishedAt: "2026-01-02T03:05:05.000Z", ...overrides });
}

/** What the agent answered, with nothing changed. */
export function answered(text: string): NonNullable<Run["output"]> {
  return { text, truncated: false, changedFiles: [], moreChangedFiles: 0, structured: null };
}

/** Events of attempt 1, a second apart, the first at 2026-01-02T03:04:06Z. */
export function eventsOf(...contents: RunEvent["event"][]): RunEvent[] {
  return contents.map((event, i) => ({
    id: `1-${String(i + 1).padStart(6, "0")}`,
    schemaVersion: 1,
    owner: "owner",
    runId: "run",
    at: new Date(Date.UTC(2026, 0, 2, 3, 4, 6 + i)).toISOString(),
    expireAt: "2026-02-02T03:04:05.000Z",
    event,
  }));
}

/** Seconds after the run was accepted, in milliseconds since the epoch. */
export const secondsAfter = (seconds: number): number => Date.UTC(2026, 0, 2, 3, 4, 5 + seconds);
