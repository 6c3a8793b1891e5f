import {
  type Benchmark,
  type Context,
  interleave,
  medianCell,
  ratioCell,
  type Table,
  type Variant,
} from "./benchmark.ts";
import { cpuMs, pin, startHelper } from "./processes.ts";
import { startServices } from "./services.ts";
import {
  broadcasts,
  commits,
  notifications,
  provisionBucket,
  provisionTopic,
  publishes,
  pushes,
  puts,
  uploads,
  type Work,
} from "./stand-in-work.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 7;

/** One kind of work, on each server that can do it; the first is the baseline. */
interface Comparison {
  what: string;
  servers: { name: string; work: Work; pid?: number }[];
}

interface Sample {
  perSecond: number;
  /** Processor milliseconds of the server for each. */
  cpu: number;
}

/** What the stand-in takes per second, through the official clients. */
export const standIn: Benchmark = {
  name: "stand-in",
  summary: "commits, notifications, publishes, pushes and uploads per second of the stand-in",
  async run(context: Context): Promise<Table[]> {
    const comparisons = await compare(context);
    const variants = comparisons.flatMap(({ what, servers }) =>
      servers.map((server) => variantOf(what, server)),
    );
    await interleave({ progress: () => context.progress("warming up") }, variants, 1);
    const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
    return [tableOf(comparisons, samples)];
  },
};

async function compare({ cleanup, emulators, progress }: Context): Promise<Comparison[]> {
  progress("starting the servers");
  const { pid, clients } = await startServices(cleanup);
  const floor = await startFloor(cleanup);
  const own = (work: Work) => ({ name: "stand-in", work, pid });
  const least = (name: string, work: Work) => ({ name, work, pid: floor.pid });
  const { firestore, pubsub, storage } = emulators;
  if (pubsub !== undefined) await provisionTopic(cleanup, pubsub);
  if (storage !== undefined) await provisionBucket(cleanup, `http://${storage}`);
  const googles = async (
    address: string | undefined,
    work: (at: string) => Work | Promise<Work>,
  ) => (address === undefined ? [] : [{ name: "Google's emulator", work: await work(address) }]);
  const hostOf = (host: string) => ({ FIRESTORE_EMULATOR_HOST: host });
  return [
    {
      what: "commits of 2 documents, 16 at a time",
      servers: [
        least("grpc-js, answers at once", commits(cleanup, floor)),
        own(commits(cleanup, clients)),
        ...(await googles(firestore, (at) => commits(cleanup, hostOf(at)))),
      ],
    },
    {
      what: "notifications, 50 listeners on one document",
      servers: [
        least("grpc-js, bare streams", broadcasts(cleanup, floor.broadcastPort)),
        own(notifications(cleanup, clients)),
        ...(await googles(firestore, (at) => notifications(cleanup, hostOf(at)))),
      ],
    },
    {
      what: "publishes of 1 message, 16 at a time",
      servers: [
        least("grpc-js, answers at once", publishes(cleanup, floor.PUBSUB_EMULATOR_HOST)),
        own(publishes(cleanup, clients.PUBSUB_EMULATOR_HOST)),
        ...(await googles(pubsub, (at) => publishes(cleanup, at))),
      ],
    },
    {
      what: "pushes, published 100 at a time",
      servers: [
        least("node:http, 10 kB into a file", puts(cleanup, floor.httpPort, 1000)),
        own(await pushes(cleanup, clients.PUBSUB_EMULATOR_HOST)),
        ...(await googles(pubsub, (at) => pushes(cleanup, at))),
      ],
    },
    {
      what: "uploads of 10 kB, 16 at a time",
      servers: [
        least("node:http, 10 kB into a file", puts(cleanup, floor.httpPort)),
        own(uploads(clients.STORAGE_EMULATOR_HOST)),
        ...(await googles(storage, (at) => uploads(`http://${at}`))),
      ],
    },
  ];
}

interface Floor {
  FIRESTORE_EMULATOR_HOST: string;
  PUBSUB_EMULATOR_HOST: string;
  broadcastPort: number;
  httpPort: number;
}

async function startFloor(cleanup: AsyncDisposableStack): Promise<Floor & { pid: number }> {
  const args = [temporaryFolder(cleanup, "floor")];
  const helper = await startHelper(cleanup, "floor-process.ts", { args });
  await pin(helper.pid, "driver");
  return { ...(await helper.ask<Floor>({})), pid: helper.pid };
}

function variantOf(what: string, { name, work, pid }: Comparison["servers"][0]): Variant<Sample> {
  const cpu = () => (pid === undefined ? Number.NaN : cpuMs(pid));
  return {
    name: `${what}: ${name}`,
    async measure() {
      const cpuBefore = cpu();
      const startedAt = performance.now();
      const count = await work();
      const seconds = (performance.now() - startedAt) / 1000;
      return { perSecond: count / seconds, cpu: (cpu() - cpuBefore) / count };
    },
  };
}

function tableOf(comparisons: Comparison[], samples: Map<string, Sample[]>): Table {
  const rows = comparisons.flatMap(({ what, servers }) => {
    const of = (at: number) => samples.get(`${what}: ${servers[at]?.name}`) ?? [];
    return servers.map(({ name }, at) => [
      at === 0 ? what : "",
      name,
      medianCell(of(at), ({ perSecond }) => perSecond),
      ratioCell(of(at), of(0), ({ perSecond }) => perSecond),
      medianCell(of(at), ({ cpu }) => cpu),
    ]);
  });
  return {
    title: "stand-in: through the official clients, each against the first of its rows",
    columns: ["what", "server", "per s", "ratio", "server's cpu ms"],
    rows,
    notes: [
      "where the server answers at once the rate is that of Google's client; bare requests have no client",
      "Google's emulators are measured where FIRESTORE_, PUBSUB_ and STORAGE_EMULATOR_HOST say, or the options of these names",
    ],
  };
}
