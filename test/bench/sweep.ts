import { makeRun } from "../support/make-run.ts";
import { type Benchmark, type Context, figure, interleave, type Table } from "./benchmark.ts";
import { INDEXED, writeRun } from "./finished-runs.ts";
import { ours, startFunction } from "./functions.ts";
import { startHelper } from "./processes.ts";
import { send } from "./request.ts";
import { openFirestore, type Services, startServices } from "./services.ts";
import { median, ratioOf } from "./statistics.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 15;
const DUE = 10;
const FEW = 1000;
const MANY = 1_000_000;

interface Sweep {
  ms: number;
  /** Calls of each method. */
  calls: Record<string, number>;
}

/** A sweep costs what is open, not what exists. */
export const sweep: Benchmark = {
  name: "sweep",
  summary: `the sweep with ${DUE} due runs among ${FEW} and among ${MANY} that are over`,
  async run(context: Context): Promise<Table[]> {
    const variants = [];
    for (const count of [FEW, MANY]) variants.push(await sweepAmong(context, count));
    await interleave({ progress: () => context.progress("warming up") }, variants, 3);
    const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
    return [tableOf(samples)];
  },
};

const nameOf = (count: number): string => `${count.toLocaleString("en")} runs over`;

async function sweepAmong({ cleanup, progress }: Context, count: number) {
  progress(`writing ${count} runs that are over`);
  const directory = temporaryFolder(cleanup, "sweep");
  // In a process of its own, which can be stopped: the database does it all in one go.
  const filler = await startHelper(cleanup, "fill-process.ts");
  await filler.ask({ directory, count });
  const services = await startServices(cleanup, { directory, observe: true });
  const folder = temporaryFolder(cleanup, "sockets");
  const running = await startFunction(cleanup, ours("sweep"), {
    env: services.clients,
    folder,
  });
  const firestore = openFirestore(services.clients);
  cleanup.defer(() => firestore.terminate());
  return {
    name: nameOf(count),
    async measure(): Promise<Sweep> {
      // Due again: the last sweep has put them off.
      for (let at = 0; at < DUE; at += 1) await writeRun(firestore, makeRun({ id: dueId(at) }));
      const before = await services.counts();
      const startedAt = performance.now();
      const status = await send({ socketPath: running.socketPath }, "POST", "/");
      const ms = performance.now() - startedAt;
      if (status !== 200) throw new Error(`the sweep answered ${status}`);
      return { ms, calls: await callsSince(services, before) };
    },
  };
}

/** Sorts behind the runs that are over. */
const dueId = (at: number): string => `run_${String(at).padStart(22, "z")}`;

async function callsSince(
  services: Services,
  before: Record<string, number>,
): Promise<Record<string, number>> {
  const after = await services.counts();
  const calls = Object.entries(after).map(([method, count]): [string, number] => [
    method.split("/").at(-1) ?? method,
    count - (before[method] ?? 0),
  ]);
  return Object.fromEntries(calls.filter(([, count]) => count > 0));
}

function tableOf(samples: Map<string, Sweep[]>): Table {
  const base = samples.get(nameOf(FEW)) ?? [];
  const rows = [...samples].map(([name, sweeps]) => {
    const times = sweeps.map(({ ms }) => ms);
    const calls = Object.entries(sweeps.at(-1)?.calls ?? {});
    return [
      name,
      figure(median(times)),
      `${ratioOf(
        times,
        base.map(({ ms }) => ms),
      ).toPrecision(3)}x`,
      calls.map(([method, count]) => `${count} ${method}`).join(", "),
    ];
  });
  return {
    title: `sweep: ${DUE} due runs, medians of ${base.length} rounds`,
    columns: ["state", "ms", `/${nameOf(FEW)}`, "calls"],
    rows,
    notes: [
      "each due run is pending: it is read, put off and published again",
      `of the automatic indexes of the runs that are over, those of ${INDEXED.join(", ")} are filled`,
    ],
  };
}
