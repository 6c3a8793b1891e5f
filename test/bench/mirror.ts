import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { startMirrorWorld } from "../infra/agent/workspace/mirror-world.ts";
import {
  type Benchmark,
  type Context,
  figure,
  medianCell,
  ratioCell,
  type Table,
} from "./benchmark.ts";

const ROUNDS = 3;
/** What the loopback host sends of a second. */
const HOST_BYTES = 40e6;
const MB = 1e6;
const RANDOM_FILES = 90;
const RANDOM_BYTES = 5 * MB;
const TEXT_FILES = 3000;
const TEXT_BYTES = 50_000;
/** A file of each kind that another commit changes, of so many. */
const CHANGED = 100;

type World = Awaited<ReturnType<typeof startMirrorWorld>>;

interface Sample {
  seconds: number;
  /** Of processors, in seconds: git's, and those of the host and the bucket, which are here, too. */
  processor: number;
  /** From the git host, with TLS. */
  bytes: number;
}

/** A checkout of a large repository, as it is and with a mirror. */
export const mirror: Benchmark = {
  name: "mirror",
  summary: "a checkout of a repository of 500 MB, with and without a mirror in the bucket",
  async run({ rounds = ROUNDS, cleanup, progress }: Context): Promise<Table[]> {
    progress("making a repository");
    const world = cleanup.use(await startMirrorWorld("bubblewrap"));
    world.helper.patience.deadlineMs = 600_000;
    writeRepository(world);
    const line = await startLine(cleanup, world);
    const samples = new Map<string, Sample[]>();
    const measure = async (name: string, round: number, checkOut: () => Promise<unknown>) => {
      progress(`round ${round + 1} of ${rounds}: ${name}`);
      const [from, sent, used] = [performance.now(), line.sent(), processorSeconds()];
      const done = await checkOut();
      const sample = {
        seconds: (performance.now() - from) / 1000,
        processor: processorSeconds() - used,
        bytes: line.sent() - sent,
      };
      if (typeof done !== "string") throw new Error(`${name}: ${JSON.stringify(done)}`);
      progress(`${name}: ${SAID.map(([what, of]) => `${figure(of(sample))} ${what}`).join(", ")}`);
      samples.set(name, [...(samples.get(name) ?? []), sample]);
    };
    const left: number[] = [];
    const mirrored = async (name: string, round: number) => {
      const attempt = world.attemptOf();
      await measure(name, round, async () => {
        const done = await world.checkOutMirrored(attempt.mirrors, {});
        return "commit" in done ? done.commit : done;
      });
      const from = performance.now();
      await attempt.end();
      left.push((performance.now() - from) / 1000);
    };
    for (let round = 0; round < rounds; round += 1) {
      await world.objectOf(world.server.url).delete({ ignoreNotFound: true });
      await measure(PLAIN, round, () => world.checkOut("HEAD"));
      await world.empty();
      await mirrored("the first, which leaves a mirror", round);
      await mirrored("the second, of the same commit", round);
      change(world);
      await mirrored("the second, a hundredth changed", round);
    }
    return [tableOf(samples, rounds)];
  },
};

const PLAIN = "without a mirror";

const SAID: readonly [string, (of: Sample) => number][] = [
  ["s", ({ seconds }) => seconds],
  ["s of processors", ({ processor }) => processor],
  ["MB of the host", ({ bytes }) => bytes / MB],
];

const TICKS = 100;

/** What this process has used of processors, with all those that it has started and that are over. */
function processorSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

function tableOf(samples: Map<string, Sample[]>, rounds: number): Table {
  const baseline = samples.get(PLAIN) ?? [];
  return {
    title: `mirror: a checkout in the sandbox, ${rounds} rounds`,
    columns: ["checkout", ...SAID.flatMap(([what]) => [what, "to without"])],
    rows: [...samples].map(([name, of]) => [
      name,
      ...SAID.flatMap(([, value]) => [medianCell(of, value), ratioCell(of, baseline, value)]),
    ]),
    notes: [
      `The host sends ${figure(HOST_BYTES / MB)} MB a second; the bucket is the emulator, without a limit.`,
      `${RANDOM_FILES} files of random bytes, ${TEXT_FILES} of text.`,
    ],
  };
}

const pathOf = ({ server }: World, name: string): string => join(server.folder, name);

function writeRepository(world: World): void {
  for (const folder of ["random", "text"]) mkdirSync(pathOf(world, folder));
  for (let file = 0; file < RANDOM_FILES; file += 1) writeRandom(world, file);
  for (let file = 0; file < TEXT_FILES; file += 1) writeText(world, file);
  world.server.git("config", "core.compression", "1");
  world.server.git("config", "core.bigFileThreshold", "1m");
  // A host has packed what it serves, and does not look for what files have in common meanwhile.
  world.server.git("config", "pack.window", "0");
  world.server.commit({});
  world.server.git("repack", "-adq");
}

function change(world: World): void {
  writeRandom(world, randomInt(RANDOM_FILES));
  for (let file = 0; file < TEXT_FILES / CHANGED; file += 1) {
    writeText(world, randomInt(TEXT_FILES));
  }
  world.server.commit({});
}

const writeRandom = (world: World, file: number): void =>
  writeFileSync(pathOf(world, `random/${file}.bin`), randomBytes(RANDOM_BYTES));

const WORDS = "const return await run the of a mirror bucket host 0 1 { } ( ) ; = => \n".split(" ");

function writeText(world: World, file: number): void {
  const picks = randomBytes(TEXT_BYTES / 4);
  const words = Array.from(picks, (pick) => WORDS[pick % WORDS.length]);
  writeFileSync(pathOf(world, `text/${file}.txt`), words.join(" "));
}

/** Puts a line of {@link HOST_BYTES} between git's proxy and its host. @returns what went over it */
async function startLine(cleanup: AsyncDisposableStack, { server }: World) {
  const { access } = server;
  const { open } = access;
  if (open === undefined) throw new Error("the host is reached by no address of loopback");
  let sent = 0;
  const limited = () => {
    let [from, through] = [performance.now(), 0];
    return new Transform({
      transform(chunk: Buffer, _, done) {
        sent += chunk.length;
        through += chunk.length;
        const wait = (through / HOST_BYTES) * 1000 - (performance.now() - from);
        // A pause is no credit for later.
        if (wait < -100) [from, through] = [performance.now(), 0];
        if (wait < 5) done(null, chunk);
        else sleep(wait).then(() => done(null, chunk), done);
      },
    });
  };
  const line = createServer((client: Socket) => {
    const host = open("");
    // The host closes the connection while the line still has some of what it sent.
    host
      .on("error", () => client.destroy())
      .pipe(limited())
      .pipe(client);
    client
      .on("error", () => host.destroy())
      .on("close", () => host.destroy())
      .pipe(host);
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  cleanup.defer(() => void line.close());
  const { port } = line.address() as AddressInfo;
  access.open = () => connect({ host: "127.0.0.1", port });
  return { sent: () => sent };
}
