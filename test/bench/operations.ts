import { TIMING } from "../../shared/limits.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { type Benchmark, type Context, figure, type Table } from "./benchmark.ts";
import type { Observer } from "./observed.ts";
import { PRICES, type Priced, usdPerMillion } from "./prices.ts";
import { cpuMs } from "./processes.ts";
import { median } from "./statistics.ts";
import { billing, startTally, type Tally } from "./tally.ts";
import { startWorld, type World } from "./world.ts";

const ROUNDS = 3;
const PROMPT = "Create hello.txt and explain it";
const TARGETS = ["api", "submitBuild", "recordBuildStatus"];

/** What Google would bill for a run, counted where the stand-in takes the calls. */
export const operations: Benchmark = {
  name: "operations",
  summary: "calls of each service a run makes, and what a million runs cost",
  async run(context: Context): Promise<Table[]> {
    const { cleanup, progress } = context;
    const tally = startTally();
    const reports = { count: 0 };
    const bill = billing(tally);
    const observer: Observer = (method, request) => {
      bill(method, request);
      if (isReport(method, request)) reports.count += 1;
    };
    progress("starting Runyard");
    const world = await startWorld(cleanup, observer);
    await follow(world, tally);
    tally.reset();
    reports.count = 0;
    const cpuBefore = cpuOf(world);
    const rounds = context.rounds ?? ROUNDS;
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      progress(`run ${round + 1} of ${rounds}`);
      seconds.push(await follow(world, tally));
    }
    // What is still on its way when the listener has seen the end belongs to the run.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    tally.add("functionRequest", "POST /v1/runs", rounds);
    tally.add("functionRequest", "POST …/progress", reports.count);
    const cpuAfter = cpuOf(world);
    for (const [at, target] of TARGETS.entries()) {
      const ms = (cpuAfter[at] ?? 0) - (cpuBefore[at] ?? 0);
      tally.add("functionCpuSecond", `cpu ${target}`, ms / 1000);
    }
    const longer = [longerTable(false), longerTable(true)];
    return [operationsTable(tally, rounds), ...longer, buildTable(median(seconds))];
  },
};

const cpuOf = ({ local }: World): number[] =>
  TARGETS.map((target) => cpuMs(local.functions.pidOf(target) as number));

/** Each report of a runner raises the version of a run that goes on running. */
function isReport(method: string, request: Parameters<Observer>[1]): boolean {
  if (!method.endsWith("Firestore/Commit")) return false;
  return (request.writes ?? []).some(
    ({ update }: { update?: { fields?: Record<string, { stringValue?: string }> } }) =>
      update?.fields?.["status"]?.stringValue === "running",
  );
}

/** Sends a run and follows it to its end. Returns the seconds that its build took. */
async function follow(world: World, tally: Tally): Promise<number> {
  const id = await world.send(PROMPT);
  const snapshots = await snapshotsUntil(world.firestore, id);
  tally.add("firestoreRead", "listener's snapshots", snapshots.length);
  const last = snapshots.at(-1);
  if (last?.status !== "succeeded") throw new Error(`run ${id} ${last?.status}: ${last?.why}`);
  const at = (status: string) =>
    last.history.find((entry) => entry.status === status)?.at as unknown as { toMillis(): number };
  return (at("succeeded").toMillis() - at("running").toMillis()) / 1000;
}

function operationsTable(tally: Tally, rounds: number): Table {
  const entries = tally
    .entries()
    .toSorted((a, b) => a.what.localeCompare(b.what) || a.purpose.localeCompare(b.purpose));
  const rows = entries.map(({ what, purpose, count }) => rowOf(what, purpose, count / rounds));
  const total = entries.reduce((sum, e) => sum + usdPerMillion(e.what, e.count / rounds), 0);
  return {
    title: `operations: one run of the offline sample, mean of ${rounds} runs`,
    columns: ["what", "for", "a run", "USD / million runs"],
    rows: [...rows, ["all but build minutes", "", "", figure(total)]],
    notes: [
      "counted at the stand-in; Cloud Build's own reading of the source (1 read) and writing of its log are not",
      "cpu is processor time, the least that can be billed: requests are billed by the time they take",
      ...new Set(entries.map(({ what }) => `${PRICES[what].unit}: ${PRICES[what].source}`)),
    ],
  };
}

const rowOf = (what: Priced, purpose: string, count: number): string[] => [
  PRICES[what].unit,
  purpose,
  figure(count),
  figure(usdPerMillion(what, count)),
];

/**
 * What a further minute of work adds at most, in which each report has events: one report and, for
 * each listener, one change seen per interval; one look at the cancel marker each two seconds.
 */
function longerTable(isFollowed: boolean): Table {
  const interval = isFollowed ? TIMING.progressInterval : TIMING.quietInterval;
  const times = 60 / interval;
  const adds: [Priced, string, number][] = [
    ["firestoreRead", "a report reads runs, runState", 2 * times],
    ["firestoreWrite", "a report writes runs, runState, events", 3 * times],
    ["functionRequest", "reports", times],
    ["storageRefused", "looks for the cancel marker", 60 / TIMING.cancelPoll],
    ...(isFollowed
      ? ([
          ["firestoreRead", "the stream's listener sees each report's events", times],
          ["firestoreWrite", "the follower is noted", 60 / TIMING.followedAgain],
        ] as [Priced, string, number][])
      : []),
  ];
  const total = adds.reduce((sum, [what, , count]) => sum + usdPerMillion(what, count), 0);
  const who = isFollowed ? "somebody follows" : "nobody follows";
  return {
    title: `operations: what each further minute of a busy agent adds, at most, while ${who}`,
    columns: ["what", "for", "a minute", "USD / million runs"],
    rows: [
      ...adds.map(([what, purpose, count]) => rowOf(what, purpose, count)),
      ["all", "", "", figure(total)],
      rowOf("buildMinuteMedium", "beside it, the build itself", 1),
    ],
    notes: [`by shared/limits.ts, with a report every ${interval} s; not measured`],
  };
}

function buildTable(seconds: number): Table {
  const names = ["buildMinuteMedium", "buildMinuteStandard2", "buildMinuteHighcpu8"] as const;
  return {
    title: "operations: build minutes of a million runs, apart",
    columns: ["machine", "USD, 1 min", "5 min", "20 min", "as measured"],
    rows: names.map((name) => [
      PRICES[name].unit.replace("minute of ", ""),
      ...[1, 5, 20, seconds / 60].map((minutes) => figure(usdPerMillion(name, minutes))),
    ]),
    notes: [`as measured: ${figure(seconds)} s from the claim to the end, on this machine`],
  };
}
