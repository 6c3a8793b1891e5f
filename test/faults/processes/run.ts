import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Firestore } from "@google-cloud/firestore";
import { fromDocument } from "../../../functions/cloud/firestore/client.ts";
import type { Slot } from "../../../shared/capacity/slot.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import { drawing } from "../drawing.ts";
import { closeClients, openClients } from "../durability/field.ts";
import type { Hold, Violation } from "../world/witness.ts";
import { Books, type Order } from "./books.ts";
import { befall, FAULTS, nameOf, type ProcessFault } from "./faults.ts";
import { type FaultLog, type Figures, figuresOf } from "./figures.ts";
import { type Journal, openJournal } from "./journal.ts";
import { makeLoad } from "./load.ts";
import { type Engine, type StandIn, startStandIn } from "./stand-in.ts";
import { isOfUnknownCreate, verify } from "./verify.ts";
import { watchRuns } from "./watch.ts";

// Google's clients add listeners to a stream for each time that they try it again.
EventEmitter.defaultMaxListeners = 200;

export interface ProcessesOptions {
  /** How long faults befall it; up to twice as long, until each has fired. */
  seconds: number;
  seed: number;
  engine: Engine;
  /** No more are sent than this. Default: any number. */
  runs?: number;
  /** Is called now and then; false: no more of it. */
  onProgress(so: Progress): boolean;
}

export interface Progress {
  accepted: number;
  over: number;
  faults: number;
  violations: number;
  isAtRest: boolean;
}

/** Names that `startLocal` gives, and where it has builds. */
const LOCAL = { projectId: "runyard-local", bucket: "runyard-local", location: "us-central1" };
/** Builds at a time, and how long their agents work: two cores are busy with it. */
const PACE = {
  fast: { slots: 8, lanes: 12, workMs: [50, 1500] },
  claude: { slots: 4, lanes: 6, workMs: [50, 1000] },
} as const;
const TOLD_EVERY_MS = 500;
/**
 * How long it may take until one more run is over, or what it owes is done: a lease and its grace,
 * and two minutes of the sweep.
 */
const NEXT_WITHIN_MS = 300_000;
const TICK_EVERY_MS = 10_000;
const NEVER = new Date("9999-01-01");

/**
 * Lets everything run as processes of this machine, has callers send runs and faults befall it for
 * a while, waits until nothing is left to be done, and looks at what there is.
 *
 * @returns undefined: it was given up before its end
 */
export async function runProcesses(options: ProcessesOptions): Promise<Figures | undefined> {
  const { seed, engine } = options;
  await using stage = await openStage(options);
  const { books, clients, journal, hold, log } = stage;
  const from = performance.now();
  await playFaults(stage, options);
  const seconds = Math.round((performance.now() - from) / 1000);
  stage.phase = stage.phase === "faults" ? "rest" : stage.phase;
  const restFrom = performance.now();
  const watching = watchRuns({ ...stage, ...clients, isOver: () => isEnded(stage) });
  await untilRest(stage, options);
  const restSeconds = (performance.now() - restFrom) / 1000;
  if (stage.phase === "rest") stage.phase = "over";
  await watching;
  if (stage.phase === "given up") return undefined;
  const found = await verify({ ...LOCAL, clients, books, journal, hold });
  const orders = books.accepted();
  const counts = { runs: orders.length, statuses: statusesOf(orders), ...found };
  const { violations, directory } = stage;
  const times = { ...figuresOf(log, orders), seconds, restSeconds };
  return { seed, engine, ...counts, ...times, violations, directory };
}

/** Everything that a proof has in its hands. */
interface Stage extends AsyncDisposable {
  /** Where all of it lies; it is kept if anything is wrong. */
  directory: string;
  standIn: StandIn;
  clients: ReturnType<typeof openClients>;
  books: Books;
  journal: Journal;
  /** Where that is. */
  journalPath: string;
  violations: Violation[];
  hold: Hold;
  log: FaultLog;
  phase: "faults" | "rest" | "over" | "given up";
}

const isEnded = ({ phase }: Stage): boolean => phase === "over" || phase === "given up";

async function openStage({ engine, seed }: ProcessesOptions): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "processes-"));
  const violations: Violation[] = [];
  // What is wrong shall be looked at.
  started.defer(() => {
    if (violations.length === 0) rmSync(directory, { recursive: true, force: true });
  });
  const journalPath = join(directory, "journal");
  const journal = openJournal(journalPath);
  started.defer(() => journal.close());
  const { slots } = PACE[engine];
  const draw = drawing(seed);
  const standIn = started.use(await startStandIn({ directory, engine, slots, draw }));
  const clients = openClients(LOCAL.projectId, standIn.ports);
  started.defer(() => closeClients(clients));
  const stack = started.move();
  return {
    directory,
    standIn,
    clients,
    books: new Books(basename(directory)),
    journal,
    journalPath,
    violations,
    hold(invariant, runId, wrong) {
      if (wrong !== undefined) violations.push({ invariant, runId, wrong });
    },
    log: [],
    phase: "faults",
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Sends runs and lets faults happen until that is enough. */
async function playFaults(stage: Stage, options: ProcessesOptions): Promise<void> {
  const { books, standIn, hold, log, journalPath: journal } = stage;
  const { seed, seconds, engine, runs = Number.POSITIVE_INFINITY } = options;
  const { lanes, workMs } = PACE[engine];
  const from = performance.now();
  const isEnough = () => {
    const share = (performance.now() - from) / 1000 / seconds;
    return books.orders.size >= runs || (share > 1 && (share > 2 || hasAll(log)));
  };
  const isOver = () => stage.phase !== "faults" || isEnough();
  const isGivenUp = () => stage.phase === "given up";
  const callers = { ...standIn, books, hold, journal, workMs, isOver, isGivenUp };
  const faults = {
    ...standIn,
    draw: drawing(seed + 2),
    isOver,
    fired: (fault: ProcessFault, buildId?: string) =>
      void log.push({
        name: nameOf(fault),
        at: Date.now(),
        order: buildId === undefined ? undefined : books.orderOfBuild(buildId),
      }),
  };
  const watching = watchRuns({ ...stage, ...stage.clients, isOver });
  await until(
    Promise.all([makeLoad({ ...callers, draw: drawing(seed + 1) }, lanes), befall(faults)]),
    () => tell(stage, options),
  );
  await watching;
  for (const network of Object.values(standIn.networks)) network.clear();
}

/** Whether each fault has fired. */
const hasAll = (log: FaultLog): boolean =>
  new Set(log.map(({ name }) => name)).size === FAULTS.length;

/** Calls `meanwhile` again and again until `done` is. */
async function until(done: Promise<unknown>, meanwhile: () => void): Promise<void> {
  const timer = setInterval(meanwhile, TOLD_EVERY_MS);
  await done.finally(() => clearInterval(timer));
}

function tell(stage: Stage, { onProgress }: ProcessesOptions): void {
  const { books, log, violations, phase } = stage;
  const accepted = books.accepted().length;
  const over = accepted - books.outstanding().length;
  const faults = log.length;
  const isWanted = onProgress({
    ...{ accepted, over, faults, violations: violations.length },
    isAtRest: phase === "rest",
  });
  if (!isWanted) stage.phase = "given up";
}

/** Waits until nothing is left to be done, or that takes too long. */
async function untilRest(stage: Stage, options: ProcessesOptions): Promise<void> {
  const { books, clients, standIn } = stage;
  let giveUpAt = performance.now() + NEXT_WITHIN_MS;
  let fewest = Number.POSITIVE_INFINITY;
  for (let tickAt = 0; performance.now() < giveUpAt; await sleep(TOLD_EVERY_MS)) {
    tell(stage, options);
    if (isEnded(stage)) return;
    const left = books.outstanding().length;
    if (left < fewest) giveUpAt = performance.now() + NEXT_WITHIN_MS;
    fewest = Math.min(fewest, left);
    if (left === 0 && (await isNothingOwed(clients.firestore))) return;
    if (performance.now() < tickAt) continue;
    // As Cloud Scheduler may, at any time; nothing comes due earlier by it.
    await standIn.hosts.ask({ tick: true });
    tickAt = performance.now() + TICK_EVERY_MS;
  }
}

/** Whether no run is due any more, and nobody holds a slot but for what may never have been. */
async function isNothingOwed(firestore: Firestore): Promise<boolean> {
  const { runStates, slots } = COLLECTIONS;
  const due = firestore.collection(runStates).where("dueAt", "<=", NEVER).limit(1);
  const held = firestore.collection(slots).where("dueAt", "<=", NEVER);
  const [runsDue, slotsHeld] = await Promise.all([due.get(), held.get()]);
  const isKept = slotsHeld.docs.every((slot) =>
    isOfUnknownCreate(fromDocument(slot.data()) as Slot),
  );
  return runsDue.empty && isKept;
}

/** Runs by their statuses as they were last seen. */
function statusesOf(orders: readonly Order[]): Map<string, number> {
  const statuses = Map.groupBy(orders, ({ record }) => record?.run.status ?? "unseen");
  return new Map([...statuses].map(([status, all]) => [status, all.length]));
}
