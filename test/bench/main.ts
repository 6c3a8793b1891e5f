import { parseArgs } from "node:util";
import { accept } from "./accept.ts";
import type { Benchmark, Context, Table } from "./benchmark.ts";
import { build } from "./build.ts";
import { coldStart } from "./cold-start.ts";
import { events } from "./events.ts";
import { latency } from "./latency.ts";
import { mirror } from "./mirror.ts";
import { operations } from "./operations.ts";
import { page } from "./page.ts";
import { endProgress, formatTable, machine, showProgress } from "./print.ts";
import { sandbox } from "./sandbox.ts";
import { standIn } from "./stand-in.ts";
import { sweep } from "./sweep.ts";
import { usage } from "./usage.ts";

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";

const BENCHMARKS: Benchmark[] = [
  coldStart,
  accept,
  latency,
  operations,
  sandbox,
  build,
  mirror,
  events,
  sweep,
  standIn,
  usage,
  page,
];

const HELP = `npm run bench -- [BENCHMARK…] [--rounds N]

Measures Runyard on this machine against named baselines in the same run. Without a name: all of them.

${BENCHMARKS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join("\n")}

  --rounds N                        rounds of each benchmark (default: each one's own)
  --firestore-emulator HOST:PORT    Google's emulators, to compare the stand-in with
  --pubsub-emulator HOST:PORT       (default: FIRESTORE_EMULATOR_HOST, PUBSUB_EMULATOR_HOST
  --storage-emulator HOST:PORT      and STORAGE_EMULATOR_HOST, if they are set)
  --help
`;

const OPTIONS = {
  rounds: { type: "string" },
  "firestore-emulator": { type: "string" },
  "pubsub-emulator": { type: "string" },
  "storage-emulator": { type: "string" },
  help: { type: "boolean", default: false },
} as const;

interface Wanted {
  benchmarks: Benchmark[];
  rounds: number | undefined;
  emulators: Context["emulators"];
}

/** @throws {Error} for what the command line cannot mean */
function readCommand(): Wanted | "help" {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) return "help";
  const benchmarks = positionals.map((name) => {
    const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
    if (found) return found;
    throw new Error(`no benchmark ${name}; there are ${BENCHMARKS.map((b) => b.name).join(", ")}`);
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds ${values.rounds}: give a whole number of 1 or more`);
  }
  const emulators: Context["emulators"] = {};
  for (const name of ["firestore", "pubsub", "storage"] as const) {
    const fromEnvironment = takeEmulatorHost(name);
    const address = values[`${name}-emulator`] ?? fromEnvironment;
    if (address) emulators[name] = address.replace(/^https?:\/\/|\/$/g, "");
  }
  return { benchmarks: benchmarks.length > 0 ? benchmarks : BENCHMARKS, rounds, emulators };
}

/**
 * The usual variable's value. It is taken away: clients would follow it wherever the bench points
 * them.
 */
function takeEmulatorHost(service: "firestore" | "pubsub" | "storage"): string | undefined {
  const name = `${service.toUpperCase()}_EMULATOR_HOST`;
  const value = process.env[name];
  delete process.env[name];
  return value;
}

/**
 * Ends what the benchmark of the moment has started; the same promise however often it is called.
 */
let end: () => Promise<void> = async () => {};
/** Set by Ctrl-C or a fault that nobody caught: nothing is reported any more. */
let isEnding = false;

async function runOne(benchmark: Benchmark, { rounds, emulators }: Wanted): Promise<Table[]> {
  const cleanup = new AsyncDisposableStack();
  let ended: Promise<void> | undefined;
  end = () => {
    ended ??= cleanup.disposeAsync();
    return ended;
  };
  const progress = (text: string) => showProgress(`${benchmark.name}: ${text}`);
  try {
    return await benchmark.run({ rounds, emulators, cleanup, progress });
  } finally {
    await end();
  }
}

/** What a benchmark has started is ended before this process is. */
function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // One Ctrl-C can arrive twice: from the terminal and from the launcher.
      if (isEnding) return;
      isEnding = true;
      endProgress();
      process.stderr.write("stopping\n");
      void end()
        .catch(() => {})
        .finally(() => process.exit(130));
    });
  }
  // A benchmark that loses its servers on the way fails in many places at once.
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      if (isEnding) return;
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      isEnding = true;
      void end().finally(() => process.exit(1));
    });
  }
}

async function main(): Promise<number> {
  const wanted = readCommand();
  if (wanted === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  endOnSignals();
  const startedAt = performance.now();
  const report = [machine()];
  let failures = 0;
  for (const benchmark of wanted.benchmarks) {
    try {
      for (const table of await runOne(benchmark, wanted)) report.push(formatTable(table));
    } catch (error) {
      if (isEnding) break;
      failures += 1;
      const text = error instanceof Error ? error.stack : String(error);
      report.push(`\n${benchmark.name} FAILED: ${text}`);
    }
  }
  // The signal's handler ends the process, once everything is ended.
  if (isEnding) await new Promise(() => {});
  endProgress();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stdout.write(`${report.join("\n")}\n\n${seconds} s\n`);
  return failures > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
