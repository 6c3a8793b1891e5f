import { buildBundles } from "../../infra/bundle/build-bundles.ts";
import {
  type Benchmark,
  type Context,
  figure,
  interleave,
  medianCell,
  ratioCell,
  type Table,
  type Variant,
} from "./benchmark.ts";
import { type Database, startPostgres, startRedis } from "./databases.ts";
import { bundled, type FunctionModule, startFunction, variant } from "./functions.ts";
import type { Load, LoadRequest } from "./load-process.ts";
import { installPeers, startPeer } from "./peers.ts";
import { cpuMs, type Helper, pin, startHelper } from "./processes.ts";
import { startServices } from "./services.ts";
import { median, quantile } from "./statistics.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 5;
const CONNECTIONS = [1, 16, 64];
/** Of one cell; whichever bound is reached first. */
const SECONDS = 1.5;
const COUNT = 20_000;
const API = "api";
/** What one would write first: it checks a body, writes one document and publishes one message. */
const NAIVE = "naive function";
const BASELINE = "fastify + pg-boss";

/** A server that accepts runs. */
interface Server {
  name: string;
  pid: number;
  place: LoadRequest["place"];
  /** The process that keeps what was accepted, if it is one. */
  storePid?: number;
}

interface Cell {
  rps: number;
  p50: number;
  p99: number;
  /** Processor milliseconds of the server for each answer. */
  cpu: number;
  /** The same of what stores the runs. */
  storeCpu: number;
}

/** Accepted runs per second, against the same request as a job of a queue. */
export const accept: Benchmark = {
  name: "accept",
  summary: "accepted runs per second of the api, against a naive function, pg-boss and BullMQ",
  async run(context: Context): Promise<Table[]> {
    const { servers, missing } = await startServers(context);
    const load = await startHelper(context.cleanup, "load-process.ts");
    await pin(load.pid, "driver");
    const variants = CONNECTIONS.flatMap((connections) =>
      servers.map((server) => variantOf(load, server, connections)),
    );
    // Lazily compiled code, connection pools, the API's memory of keys.
    for (const server of servers) await fire(load, server, { connections: 16, seconds: 2 });
    const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
    const names = servers.map(({ name }) => name);
    return CONNECTIONS.map((connections) => tableOf(samples, { names, missing, connections }));
  },
};

async function startServers(context: Context) {
  const { cleanup, progress } = context;
  progress("starting the servers");
  const { clients, pid: storePid } = await startServices(cleanup);
  const folder = temporaryFolder(cleanup, "sockets");
  const functionOf = async (name: string, module: FunctionModule): Promise<Server> => {
    const { pid, socketPath } = await startFunction(cleanup, module, { env: clients, folder });
    await pin(pid, "measured");
    return { name, pid, place: { path: socketPath }, storePid };
  };
  // As it is deployed; the other one is deployed as it is written.
  const bundles = temporaryFolder(cleanup, "bundles");
  await buildBundles(bundles);
  const servers = [
    await functionOf(API, bundled("api", bundles)),
    await functionOf(NAIVE, variant("naive")),
  ];
  const missing: string[] = [];
  progress("installing the peers' packages");
  try {
    await installPeers();
  } catch (error) {
    return { servers, missing: [`no peers: ${error instanceof Error ? error.message : error}`] };
  }
  servers.push(await peerOf(cleanup, "none"));
  const databases: ["pg-boss" | "bullmq", Database][] = [
    ["pg-boss", await startPostgres(cleanup)],
    ["bullmq", await startRedis(cleanup)],
  ];
  for (const [queue, database] of databases) {
    if ("missing" in database) missing.push(`fastify + ${queue} not measured: ${database.missing}`);
    else servers.push(await peerOf(cleanup, queue, database.settings));
  }
  return { servers, missing };
}

async function peerOf(
  cleanup: AsyncDisposableStack,
  queue: "none" | "pg-boss" | "bullmq",
  settings?: object,
): Promise<Server> {
  const { pid, port } = await startPeer(cleanup, queue, settings);
  const name = queue === "none" ? "fastify alone" : `fastify + ${queue}`;
  return { name, pid, place: { port, host: "127.0.0.1" } };
}

function variantOf(load: Helper, server: Server, connections: number): Variant<Cell> {
  return {
    name: `${server.name}, ${connections}`,
    measure: () => fire(load, server, { connections, seconds: SECONDS }),
  };
}

async function fire(
  load: Helper,
  { name, pid, place, storePid }: Server,
  amount: Pick<LoadRequest, "connections" | "seconds">,
): Promise<Cell> {
  const cpu = () => [cpuMs(pid), storePid === undefined ? Number.NaN : cpuMs(storePid)] as const;
  const before = cpu();
  const request: LoadRequest = { place, count: COUNT, ...amount };
  const { answers, failures, seconds, latencies } = await load.ask<Load>(request);
  if (failures > 0) throw new Error(`${name}: ${failures} of ${answers} requests were refused`);
  const after = cpu();
  return {
    rps: answers / seconds,
    p50: median(latencies),
    p99: quantile(latencies, 0.99),
    cpu: (after[0] - before[0]) / answers,
    storeCpu: (after[1] - before[1]) / answers,
  };
}

function tableOf(
  samples: Map<string, Cell[]>,
  { names, missing, connections }: { names: string[]; missing: string[]; connections: number },
): Table {
  const cellsOf = (name: string) => samples.get(`${name}, ${connections}`) ?? [];
  const base = cellsOf(names.includes(BASELINE) ? BASELINE : NAIVE);
  const naive = cellsOf(NAIVE);
  const rows = names.map((name) => {
    const cells = cellsOf(name);
    return [
      name,
      medianCell(cells, ({ rps }) => rps),
      ratioCell(cells, base, ({ rps }) => rps),
      medianCell(cells, ({ p50 }) => p50),
      ratioCell(cells, naive, ({ p50 }) => p50),
      medianCell(cells, ({ p99 }) => p99),
      medianCell(cells, ({ cpu }) => cpu),
      ratioCell(cells, base, ({ cpu }) => cpu),
      ratioCell(cells, naive, ({ cpu }) => cpu),
      medianCell(cells, ({ storeCpu }) => storeCpu),
    ];
  });
  const against = names.includes(BASELINE) ? BASELINE : NAIVE;
  return {
    title: `accept: ${connections} connections, medians of ${base.length} rounds of ${figure(SECONDS)} s`,
    columns: [
      ...["server", "runs/s", "ratio", "p50 ms", "/naive", "p99 ms"],
      ...["cpu ms/run", "ratio", "/naive", "store cpu"],
    ],
    rows,
    notes: [
      `ratios are to ${against}, /naive to the naive function; the server on one core, load and stores on the other`,
      ...missing,
    ],
  };
}
