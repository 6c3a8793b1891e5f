import { Worker } from "node:worker_threads";
import type { OutputSchema } from "../../../../shared/agent/output-schema.ts";
import type { Fault } from "../../../../shared/errors.ts";

/** Seconds that a check may take, and MiB of memory. */
const SECONDS = 20;
const MEMORY = 1024;

/**
 * What of an output does not fit its schema. It is looked for in a thread of its own: a caller's
 * `pattern` together with an agent's text can take longer than any run.
 *
 * @param seconds after which it counts as not fitting
 */
export function checkOutput(
  schema: OutputSchema,
  output: unknown,
  seconds = SECONDS,
): Promise<Fault[]> {
  const worker = new Worker(new URL("output-worker.ts", import.meta.url), {
    workerData: { schema, output },
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MEMORY },
  });
  return new Promise((resolve) => {
    const give = (faults: Fault[]): void => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(faults);
    };
    const giveUp = (why: string): void =>
      give([{ pointer: "", detail: `cannot be checked: ${why}` }]);
    const timer = setTimeout(() => giveUp(`it takes more than ${seconds} s`), seconds * 1000);
    worker.once("message", give);
    worker.once("error", (error) => giveUp(error.message));
  });
}
