import { type OutputSchema, outputSchemaBoundFault } from "../../shared/agent/output-schema.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import type { SchemaChecks } from "../services/schemas.ts";
import { Overrun, Thread } from "../threads/thread.ts";

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
  readonly #thread: Thread;
  readonly #answers = new Map<string, string | undefined>();
  readonly #waiting: Job[] = [];
  #isBusy = false;
  #lastOwner: string | undefined;

  constructor(timers: Timers) {
    const program = new URL("./worker.ts", import.meta.url);
    this.#thread = new Thread({ program, memoryMiB: RUN_LIMITS.outputSchemaMemory }, timers);
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
    try {
      const limitMs = RUN_LIMITS.outputSchemaSeconds * 1000;
      return (await this.#thread.ask<{ fault: string | undefined }>(schema, limitMs)).fault;
    } catch (error) {
      if (error instanceof Overrun) throw new TooMuch(TOO_MUCH[error.of], { cause: error });
      throw error;
    }
  }
}

const TOO_MUCH: Record<Overrun["of"], string> = {
  time: `takes more than ${RUN_LIMITS.outputSchemaSeconds} s to compile; make it simpler`,
  memory: `takes more than ${RUN_LIMITS.outputSchemaMemory} MiB to compile; make it simpler`,
};

/** A schema whose compiling was given up. */
class TooMuch extends Error {}
