import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type OutputSchema, outputSchemaBoundFault } from "../../shared/agent/output-schema.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import type { SchemaChecks } from "../services/schemas.ts";

/** Answers that are remembered: most runs come with a schema that was sent before. */
const REMEMBERED = 1000;
/** Schemas of one owner that may wait; and of all. */
const WAITING_OF_OWNER = 8;
const WAITING = 64;

interface Job {
  owner: string;
  schema: OutputSchema;
  resolve(fault: string | undefined): void;
  reject(error: unknown): void;
}

type Timers = Pick<Clock, "after">;

/**
 * Checks callers' schemas in a thread of its own: a small one can take seconds and hundreds of MB
 * to compile, and nobody else shall wait for that. The thread is made for the first, and given up
 * with one that takes more time or memory than {@link RUN_LIMITS} has. They are taken one by one,
 * an owner's after another's.
 */
export class ThreadedSchemaChecks implements SchemaChecks {
  readonly #timers: Timers;
  readonly #answers = new Map<string, string | undefined>();
  readonly #waiting: Job[] = [];
  #worker: Promise<Worker> | undefined;
  #isBusy = false;
  #lastOwner: string | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  async fault(owner: string, schema: OutputSchema): Promise<string | undefined> {
    const bound = outputSchemaBoundFault(schema);
    if (bound !== undefined) return bound;
    const hash = sha256(JSON.stringify(schema));
    if (this.#answers.has(hash)) return this.#answers.get(hash);
    try {
      const fault = await this.#compiled(owner, schema);
      if (this.#answers.size >= REMEMBERED) this.#answers.clear();
      this.#answers.set(hash, fault);
      return fault;
    } catch (error) {
      // Not remembered: a busy machine may have been too slow for it.
      if (error instanceof TooMuch) return error.message;
      throw error;
    }
  }

  #compiled(owner: string, schema: OutputSchema): Promise<string | undefined> {
    const ofOwner = this.#waiting.filter((job) => job.owner === owner).length;
    if (ofOwner >= WAITING_OF_OWNER || this.#waiting.length >= WAITING) {
      const detail = "too many output schemas are being looked at";
      return Promise.reject(new AppError("unavailable", { detail }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ owner, schema, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const other = this.#waiting.findIndex(({ owner }) => owner !== this.#lastOwner);
      const [job] = this.#waiting.splice(Math.max(0, other), 1);
      if (job === undefined) break;
      this.#lastOwner = job.owner;
      await this.#compile(job.schema).then(job.resolve, job.reject);
    }
    this.#isBusy = false;
  }

  async #compile(schema: OutputSchema): Promise<string | undefined> {
    this.#worker ??= startWorker();
    const started = this.#worker;
    try {
      return await answerOf(await started, schema, this.#timers);
    } catch (error) {
      this.#worker = undefined;
      void started.then((worker) => worker.terminate()).catch(() => {});
      throw error;
    }
  }
}

/** A schema whose compiling was given up. */
class TooMuch extends Error {}

async function startWorker(): Promise<Worker> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    // Of the process's own, none concerns it.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: RUN_LIMITS.outputSchemaMemory },
  });
  // Between two answers nobody listens; an error shows with the next.
  worker.on("error", () => {});
  await once(worker, "message");
  // No process shall live for it.
  worker.unref();
  return worker;
}

function answerOf(
  worker: Worker,
  schema: OutputSchema,
  timers: Timers,
): Promise<string | undefined> {
  const seconds = RUN_LIMITS.outputSchemaSeconds;
  const memory = RUN_LIMITS.outputSchemaMemory;
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      cancel();
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      settle();
    };
    const onMessage = ({ fault }: { fault: string | undefined }) => end(() => resolve(fault));
    const onError = (error: Error & { code?: string }) => {
      const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      const detail = `takes more than ${memory} MiB to compile; make it simpler`;
      end(() => reject(isFull ? new TooMuch(detail) : error));
    };
    const onExit = () => end(() => reject(new Error("the thread for schemas ended")));
    const cancel = timers.after(seconds * 1000, () => {
      const detail = `takes more than ${seconds} s to compile; make it simpler`;
      end(() => reject(new TooMuch(detail)));
    });
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage(schema);
  });
}
