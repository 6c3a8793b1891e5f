import type { Run } from "../documents/run.ts";
import { AppError } from "../errors.ts";
import { shardOf } from "../shard.ts";
import type { OwedDelivery } from "./owed-delivery.ts";
import type { RunRecord, RunState } from "./record.ts";
import type { PullRequestWatch } from "./watched-pull-request.ts";

/** The version of a state that this revision writes; it reads the ones before, too, … */
export const STATE_VERSION = 2;
/** … and this, of a run that owes deliveries to several repositories: one before leaves it alone. */
const SEVERAL_VERSION = 3;
const RUN_VERSION = 1;

/**
 * What a state says to which nothing has happened yet, and one of before that does not know the
 * field: those of version 1 knew no slots, and some no more than a few of the rest.
 */
export const UNSAID = {
  waitsForTurn: false,
  origin: null,
  lane: null,
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
  tellAt: null,
  trace: null,
  submissionTrace: null,
} satisfies Partial<RunState>;

/** The same of a run's document. */
export const RUN_UNSAID = {
  phases: [],
  changes: null,
  checkpoint: null,
  archivedAt: null,
} satisfies Partial<Run>;

/**
 * When the sweep looks next at a run, which its document says in one field: as the run itself is
 * due, or earlier if changes of its status are to be told, what it changed is to be delivered, or
 * its pull request is to be looked at.
 */
interface StoredDue {
  /** The earliest of the four. */
  dueAt: Date | null;
  /** The run's own; to be taken only if the field above is the one that was written with it. */
  ownDueAt?: Date | null;
  tellAt?: Date | null;
  delivery?: Pick<OwedDelivery, "dueAt"> | null;
  watch?: Pick<PullRequestWatch, "dueAt"> | null;
}

const earlier = (one: Date | null, other: Date | null): Date | null =>
  one === null || (other !== null && other < one) ? other : one;

/** The earliest of what is due beside the run itself. */
const otherDueAt = ({ tellAt = null, delivery, watch }: Omit<StoredDue, "dueAt">): Date | null =>
  earlier(earlier(tellAt, delivery?.dueAt ?? null), watch?.dueAt ?? null);

/** An earlier revision, which knows of no telling, writes the first field alone. */
function ownDueAt(stored: StoredDue): Date | null {
  const { dueAt, ownDueAt = dueAt } = stored;
  const written = earlier(ownDueAt, otherDueAt(stored));
  return written?.getTime() === dueAt?.getTime() ? ownDueAt : dueAt;
}

/**
 * A run as its two documents have it, whichever revision wrote them.
 *
 * @throws {AppError} unavailable if a later revision wrote them, which may mean what this one
 * cannot know
 */
export function recordOf(documents: { run: object; state: object }): RunRecord {
  const run = documents.run as Run;
  const state = documents.state as RunState;
  const isLater = run.schemaVersion > RUN_VERSION || state.schemaVersion > SEVERAL_VERSION;
  if (isLater) {
    const detail = `run ${run.id} was written by a later revision`;
    throw new AppError("unavailable", { detail });
  }
  // Only what is known here is read: what stands beside it was written by one that means it.
  const { ownDueAt: _own, ...known } = state as RunState & StoredDue;
  return {
    run: { ...RUN_UNSAID, ...run },
    state: {
      ...UNSAID,
      ...known,
      // Of a run that began before there was telling, what comes next is told.
      told: state.told ?? run.history?.at(-1)?.version ?? 0,
      dueAt: ownDueAt(state as StoredDue),
      acceptedAt: state.acceptedAt ?? run.createdAt,
      schemaVersion: STATE_VERSION,
    },
  };
}

/**
 * The document of a run's state, without what goes without saying: each field costs whoever writes
 * or reads it. So only a run that waits in a line has the field by which the line is read. Each has
 * the `shard` by which what is due is found.
 */
export function stateDocument({ run, state: { dueAt, ...state } }: RunRecord): object {
  const due: StoredDue = { dueAt: earlier(dueAt, otherDueAt(state)), ownDueAt: dueAt };
  const said = Object.entries(state).filter(([name, value]) => !goesWithoutSaying(name, value));
  const several = state.delivery?.places && { schemaVersion: SEVERAL_VERSION };
  return { ...Object.fromEntries(said), ...several, ...due, shard: shardOf(run.id) };
}

function goesWithoutSaying(name: string, value: unknown): boolean {
  if (!Object.hasOwn(UNSAID, name)) return false;
  const unsaid: unknown = UNSAID[name as keyof typeof UNSAID];
  return value === unsaid || (Array.isArray(unsaid) && Array.isArray(value) && value.length === 0);
}
