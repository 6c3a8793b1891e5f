import { join } from "node:path";
import { buildBundles } from "../../infra/bundle/build-bundles.ts";
import {
  type Benchmark,
  type Context,
  interleave,
  medianCell,
  ratioCell,
  type Table,
  type Variant,
} from "./benchmark.ts";
import { bundled, type FunctionModule, ours, startFunction, variant } from "./functions.ts";
import { cpuMs, rssMb } from "./processes.ts";
import { send } from "./request.ts";
import { type Clients, startServices } from "./services.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 7;
const BASELINE = "naive: 4 clients, POST 202";

interface Start {
  /** From spawning to the first answer. */
  ms: number;
  /** Processor time of the process up to then. */
  cpu: number;
  rss: number;
}

interface FirstRequest {
  name: string;
  module: FunctionModule;
  method: "GET" | "POST";
  path: string;
  status: number;
  /** Started with `NODE_COMPILE_CACHE`, as `npm start` does. */
  isCached?: boolean;
}

const HEALTH = { method: "GET", path: "/v1/health", status: 200 } as const;
const ACCEPT = { method: "POST", path: "/v1/runs", status: 202 } as const;
const api = ours("api");

const REQUESTS: FirstRequest[] = [
  { name: "hello, GET", module: variant("hello"), ...HEALTH, path: "/" },
  { name: BASELINE, module: variant("naive"), ...ACCEPT, path: "/" },
  { name: "api, GET /v1/health", module: api, ...HEALTH },
  { name: "api, POST /v1/runs 202", module: api, ...ACCEPT },
  { name: "api, GET, compile cache", module: api, ...HEALTH, isCached: true },
  { name: "api, POST, compile cache", module: api, ...ACCEPT, isCached: true },
];

/** As they are deployed. */
const bundledRequests = (folder: string): FirstRequest[] => [
  { name: "api, GET, bundle", module: bundled("api", folder), ...HEALTH, isCached: true },
  { name: "api, POST, bundle", module: bundled("api", folder), ...ACCEPT, isCached: true },
];

/** From spawning a function's process to its first answer. */
export const coldStart: Benchmark = {
  name: "cold-start",
  summary: "spawn to first answer of the api function, against a bare and a naive function",
  async run(context: Context): Promise<Table[]> {
    const { clients } = await startServices(context.cleanup);
    const folder = temporaryFolder(context.cleanup, "sockets");
    const bundles = temporaryFolder(context.cleanup, "bundles");
    await buildBundles(bundles);
    const requests = [...REQUESTS, ...bundledRequests(bundles)];
    const variants = requests.map((request) => measured(context, request, { clients, folder }));
    // The first start of each reads its files from the disk.
    await interleave({ progress: () => context.progress("warming the file cache") }, variants, 1);
    const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
    return [tableOf(samples)];
  },
};

function measured(
  { cleanup }: Context,
  { name, module, method, path, status, isCached }: FirstRequest,
  { clients, folder }: { clients: Clients; folder: string },
): Variant<Start> {
  const env = { ...clients, ...(isCached && { NODE_COMPILE_CACHE: join(folder, "compiled") }) };
  return {
    name,
    async measure() {
      const startedAt = performance.now();
      const running = await startFunction(cleanup, module, { env, folder });
      const answered = await send({ socketPath: running.socketPath }, method, path);
      const ms = performance.now() - startedAt;
      if (answered !== status) throw new Error(`${name} answered ${answered}`);
      const { pid } = running;
      const start = { ms, cpu: cpuMs(pid), rss: rssMb(pid) };
      await running.stop();
      return start;
    },
  };
}

function tableOf(samples: Map<string, Start[]>): Table {
  const base = samples.get(BASELINE) ?? [];
  const hello = samples.get("hello, GET") ?? [];
  const rows = [...samples].map(([name, starts]) => [
    name,
    medianCell(starts, ({ ms }) => ms),
    ratioCell(starts, base, ({ ms }) => ms),
    ratioCell(starts, hello, ({ ms }) => ms),
    medianCell(starts, ({ cpu }) => cpu),
    medianCell(starts, ({ rss }) => rss),
    ratioCell(starts, base, ({ rss }) => rss),
  ]);
  return {
    title: `cold-start: spawn to first answer, medians of ${base.length} rounds`,
    columns: ["function", "ms", "/naive", "/hello", "cpu ms", "RSS MiB", "/naive"],
    rows,
    notes: ["ratios are medians of the rounds' ratios; started by the functions host's own code"],
  };
}
