import type { Run } from "../documents/run.ts";
import { AppError } from "../errors.ts";
import type { RunRecord, RunState } from "./record.ts";

/** The version of a state that this revision writes; it reads the ones before, too. */
export const STATE_VERSION = 2;
const RUN_VERSION = 1;

/**
 * What a state says to which nothing has happened yet, and one of before that does not know the
 * field: those of version 1 knew no slots, and some no more than a few of the rest.
 */
export const UNSAID = {
  waitsForTurn: false,
  restore: null,
  session: null,
  events: 0,
  lastEventAt: null,
  waitsSince: null,
  workingAt: null,
  reported: 0,
  pastBuilds: [],
  parent: null,
  machineType: "E2_STANDARD_2",
  model: null,
  line: null,
  slot: null,
  obligations: [],
  failures: 0,
  lostSubmissions: 0,
  failedVisits: 0,
  deniedSince: null,
  input: null,
  commits: [],
} satisfies Partial<RunState>;

/** The same of a run's document. */
export const RUN_UNSAID = {
  phases: [],
  changes: null,
  checkpoint: null,
  archivedAt: null,
} satisfies Partial<Run>;

/**
 * A run as its two documents have it, whichever revision wrote them.
 *
 * @throws {AppError} unavailable if a later revision wrote them, which may mean what this one
 * cannot know
 */
export function recordOf(documents: { run: object; state: object }): RunRecord {
  const run = documents.run as Run;
  const state = documents.state as RunState;
  const isLater = run.schemaVersion > RUN_VERSION || state.schemaVersion > STATE_VERSION;
  if (isLater) {
    const detail = `run ${run.id} was written by a later revision`;
    throw new AppError("unavailable", { detail });
  }
  return {
    run: { ...RUN_UNSAID, ...run },
    state: {
      ...UNSAID,
      ...state,
      acceptedAt: state.acceptedAt ?? run.createdAt,
      schemaVersion: STATE_VERSION,
    },
  };
}

/**
 * The document of a state. Only a run that waits in a line has the field by which the line is read.
 */
export function stateDocument({ line, ...state }: RunState): object {
  return line === null ? state : { ...state, line };
}
