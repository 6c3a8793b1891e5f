import type { StoredDocument } from "../../../infra/emulators/firestore/document.ts";
import type { Change } from "../../../infra/emulators/firestore/history.ts";
import type { Slot } from "../../../shared/capacity/slot.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { UNSAID } from "../../../shared/run/stored.ts";
import type { ModelBuild } from "./cloud-build.ts";
import { decoded } from "./fields.ts";
import * as invariants from "./invariants.ts";
import type { Agent } from "./runner.ts";

/** An invariant that does not hold. */
export interface Violation {
  invariant: string;
  runId: string;
  wrong: string;
}

/** Attributes of a message. */
type Attributes = Readonly<Record<string, string>>;

/** Those that say that work was done beside other work, or for what was over. */
export const DOUBLED: readonly string[] = [
  "oneAgentOfARun",
  "oneAgentOfAnAttempt",
  "noAgentOfWhatIsOver",
  "noEndWhileAnAgentWorks",
  "noDeedAfterTheEnd",
  "oneRunOfAKey",
  "everyRunIsSomebodys",
] satisfies (keyof typeof invariants)[];

/** Those that say that what was accepted is not there, or is never over. */
export const LOST: readonly string[] = [
  "everyRunIsOver",
  "acceptedIsThere",
] satisfies (keyof typeof invariants)[];

/** Takes note of what an invariant says is wrong; undefined: nothing is. */
export type Hold = (
  invariant: keyof typeof invariants,
  runId: string,
  wrong: string | undefined,
) => void;

/** What of a run a commit has changed. */
interface Touched {
  run?: StoredDocument;
  state?: StoredDocument;
  isGone?: true;
}

/** The two documents that a run is, by their collections. */
const PARTS: Readonly<Record<string, "run" | "state">> = { runs: "run", runState: "state" };

/** Sees every commit and every agent, and holds them to the invariants. */
export class Witness {
  readonly violations: Violation[] = [];
  readonly records = new Map<string, RunRecord>();
  readonly live: Agent[] = [];
  started: Agent[] = [];
  /** Runs that were accepted and are not over, or owe something. */
  readonly unsettled = new Set<string>();
  #idleTicks = 0;
  /** Every build that there ever was. */
  builds: () => ModelBuild[] = () => [];
  /** Slots that somebody holds, by their ids. */
  readonly held = new Map<string, Slot>();
  readonly #now: () => Date;
  /** The versions of each run that `run-events` was told of. */
  readonly #told = new Map<string, Set<number>>();
  /** Is called with each agent that starts. */
  onAgent: (agent: Agent) => void = () => {};
  /** How many runs have ended, those that were deleted later too. */
  ends = 0;
  /** Is called with each run that ends. */
  onEnd: (record: RunRecord) => void = () => {};

  /** @param now the server's time */
  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Takes note of what an invariant says is wrong. */
  hold(invariant: keyof typeof invariants, runId: string, wrong: string | undefined): void {
    if (wrong !== undefined) this.violations.push({ invariant, runId, wrong });
  }

  committed(changes: readonly Change[]): void {
    const touched = new Map<string, Touched>();
    for (const { key, before, after } of changes) {
      const name = (after ?? before)?.name;
      if (name?.collectionId === "slots") this.#slotChanged(name.id, after);
      const part = key.split("\u0001").length === 7 && name && PARTS[name.collectionId];
      if (!part) continue;
      const entry = touched.get(name.id) ?? {};
      touched.set(name.id, after ? { ...entry, [part]: after } : { ...entry, isGone: true });
    }
    for (const [id, entry] of touched) {
      if (entry.isGone) this.#forget(id);
      else this.#changed(id, this.records.get(id), entry);
    }
  }

  /** Cloud Build has taken one. */
  buildCreated(build: ModelBuild): void {
    const [, runId = ""] = build.tags;
    const wrong = invariants.everyBuildHasASlot(build, [...this.held.values()]);
    this.hold("everyBuildHasASlot", runId, wrong);
  }

  /**
   * A minute has passed in which nothing went wrong.
   *
   * @param slots how many there are
   */
  ticked(slots: number): void {
    const waiting = [...this.records.values()].filter(
      ({ state }) => state.line !== null && state.line !== undefined,
    );
    this.#idleTicks = waiting.length > 0 && this.held.size < slots ? this.#idleTicks + 1 : 0;
    const [first] = waiting;
    this.hold("noSlotIdles", first?.run.id ?? "", invariants.noSlotIdles(this.#idleTicks));
  }

  #slotChanged(id: string, after: StoredDocument | undefined): void {
    const slot = after && (decoded(after) as Slot);
    const before = this.held.get(id);
    if (before && slot?.holder?.runId !== before.holder?.runId) {
      const wrong = invariants.freedWithItsBuild(before, this.builds());
      this.hold("freedWithItsBuild", before.holder?.runId ?? "", wrong);
    }
    if (slot === undefined || slot.state === "free") this.held.delete(id);
    else this.held.set(id, slot);
  }

  /** Somebody has told `run-events` of a change. */
  told({ "ce-subject": id = "", "ce-sequence": sequence, "ce-type": type = "" }: Attributes): void {
    const [, , status = ""] = type.split(".");
    const change = { version: Number(sequence), status };
    const record = this.records.get(id);
    this.hold("onlyChangesAreTold", id, invariants.onlyChangesAreTold(change, record));
    this.#told.set(id, (this.#told.get(id) ?? new Set()).add(change.version));
  }

  /** Whether all that changes a run knows that this is told. */
  holdsTold = true;

  /** Holds that of a run each change of status was told. */
  holdTold(record: RunRecord): void {
    if (!this.holdsTold) return;
    const { id } = record.run;
    const told = this.#told.get(id) ?? new Set();
    this.hold("everyChangeIsTold", id, invariants.everyChangeIsTold(record, told));
  }

  /** A run of the same id is another one. */
  #forget(id: string): void {
    const record = this.records.get(id);
    if (record !== undefined) this.holdTold(record);
    this.#told.delete(id);
    this.started = this.started.filter(({ runId }) => runId !== id);
    this.records.delete(id);
    this.unsettled.delete(id);
  }

  #changed(id: string, before: RunRecord | undefined, { run, state }: Touched): void {
    const after = {
      run: run ? decoded(run) : before?.run,
      state: state ? { ...UNSAID, ...(decoded(state) as object) } : before?.state,
    } as RunRecord;
    this.records.set(id, after);
    const step = { before, after };
    this.hold("versionRisesByOne", id, invariants.versionRisesByOne(step));
    this.hold("historyIsAWay", id, invariants.historyIsAWay(step));
    this.hold("finalStateStays", id, invariants.finalStateStays(step));
    this.hold("cancelHolds", id, invariants.cancelHolds(step));
    this.hold("attemptsAreBounded", id, invariants.attemptsAreBounded(step));
    this.hold("backoffHolds", id, invariants.backoffHolds(step, this.#now()));
    this.hold("noEndWhileAnAgentWorks", id, invariants.noEndWhileAnAgentWorks(step, this));
    if (after.run.done && after.state.dueAt === null) this.unsettled.delete(id);
    else this.unsettled.add(id);
    if (!after.run.done || before?.run.done) return;
    this.ends += 1;
    this.onEnd(after);
  }

  agentStarts(agent: Agent): void {
    const { runId } = agent;
    this.hold("oneAgentOfARun", runId, invariants.oneAgentOfARun(agent, this));
    this.hold("oneAgentOfAnAttempt", runId, invariants.oneAgentOfAnAttempt(agent, this));
    const record = this.records.get(runId);
    const conversationOf = (id: string) => this.records.get(id)?.run.conversation.id;
    const turn = invariants.oneTurnAtATime(agent, this, conversationOf);
    this.hold("oneTurnAtATime", runId, turn);
    this.hold("noAgentOfWhatIsOver", runId, invariants.noAgentOfWhatIsOver(agent, record));
    this.live.push(agent);
    this.started.push(agent);
    this.onAgent(agent);
  }

  agentEnds(agent: Agent): void {
    const at = this.live.indexOf(agent);
    if (at >= 0) this.live.splice(at, 1);
  }

  /** Whatever works in a build ends with it. */
  buildKilled(buildId: string): void {
    for (const agent of this.live.filter((one) => one.buildId === buildId)) this.agentEnds(agent);
  }
}
