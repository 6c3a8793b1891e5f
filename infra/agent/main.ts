// The program that a build runs, with its input in the working directory. See runner.ts.
import { tmpdir, totalmem } from "node:os";
import { REPOSITORY_CREDENTIAL } from "../../shared/agent/environment.ts";
import { systemClock } from "../../shared/clock.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import { TRACE_VARIABLE, traceContextOf } from "../../shared/run/trace.ts";
import { mirrorObjectsOf } from "./attempt/mirror-objects.ts";
import { objectsOf, openStorage } from "./attempt/objects.ts";
import { givenVariables, inheritedVariables } from "./environment.ts";
import { readPrices } from "./model/prices.ts";
import { runAttempt } from "./runner.ts";
import type { Isolation } from "./sandbox/place.ts";
import { messageOf, oneLine } from "./text.ts";

/** Share of the machine's memory that the agent may use. */
const MEMORY_SHARE = 0.75;
const DEFAULT_BASE_URL = "https://api.anthropic.com";

const log = (line: string): void => void process.stdout.write(`${oneLine(line, 2000)}\n`);

function terminatedSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => controller.abort());
  }
  return controller.signal;
}

function isolationOf(value: string | undefined): Isolation {
  if (value === undefined || value === "" || value === "bubblewrap") return "bubblewrap";
  if (value === "none") return "none";
  throw new Error(`RUNYARD_SANDBOX is "${value}"; it must be "bubblewrap" or "none"`);
}

async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const terminated = terminatedSignal();
  const buildId = environment["BUILD_ID"];
  if (!buildId) throw new Error("BUILD_ID is not set; it must be the build's id");
  const storage = openStorage();
  await runAttempt({
    inputFolder: process.cwd(),
    temporaryFolder: tmpdir(),
    buildId,
    trace: traceContextOf(environment[TRACE_VARIABLE]),
    apiKey: environment["ANTHROPIC_API_KEY"] ?? "",
    apiBaseUrl: environment["ANTHROPIC_BASE_URL"] || DEFAULT_BASE_URL,
    prices: readPrices(environment["RUNYARD_MODEL_PRICES"]),
    environment: givenVariables(environment),
    isolation: isolationOf(environment["RUNYARD_SANDBOX"]),
    unconfinedPrompt: environment["RUNYARD_UNCONFINED_PROMPT"] || undefined,
    memoryBytes: totalmem() * MEMORY_SHARE,
    path: environment["PATH"] ?? "/usr/bin:/bin",
    inherited: inheritedVariables(environment),
    repositories: {
      credential: environment[REPOSITORY_CREDENTIAL],
      credentials: Array.from(
        { length: RUN_LIMITS.repositories },
        (_, at) => environment[`${REPOSITORY_CREDENTIAL}_${at}`] ?? "",
      ),
    },
    objectsIn: (bucket, customTimes) => objectsOf(storage.bucket(bucket), customTimes),
    mirrorsIn: (bucket) => mirrorObjectsOf(storage.bucket(bucket)),
    terminated,
    clock: systemClock,
    log,
  });
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`the attempt has no result: ${oneLine(messageOf(error), 2000)}\n`);
    process.exit(1);
  },
);
