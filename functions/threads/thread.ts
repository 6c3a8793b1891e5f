import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../shared/clock.ts";

/** What a thread may take. */
interface ThreadLimits {
  /** The thread's program, which posts "ready" and then an answer to each message. */
  program: URL;
  memoryMiB: number;
}

/** Why an answer was given up, and the thread with it. */
export class Overrun extends Error {
  readonly of: "time" | "memory";

  constructor(of: "time" | "memory") {
    super(`too much ${of}`);
    this.of = of;
  }
}

/**
 * A thread for what callers wrote: it is made for the first question, and ended with one that takes
 * more time or memory than it may; the next question has a new one.
 */
export class Thread {
  readonly #limits: ThreadLimits;
  readonly #timers: Pick<Clock, "after">;
  #worker: Promise<Worker> | undefined;
  #starts = 0;

  constructor(limits: ThreadLimits, timers: Pick<Clock, "after">) {
    this.#limits = limits;
    this.#timers = timers;
  }

  /** How many threads there were: what was told to one before the last is forgotten. */
  get starts(): number {
    return this.#starts;
  }

  /**
   * Call only while no other question is asked.
   *
   * @throws {Overrun} if the answer takes more than `limitMs`, or more memory than the thread may
   */
  async ask<A>(question: unknown, limitMs: number): Promise<A> {
    if (this.#worker === undefined) {
      this.#worker = startWorker(this.#limits);
      this.#starts += 1;
    }
    const started = this.#worker;
    try {
      return await answerOf<A>(await started, { question, limitMs }, this.#timers);
    } catch (error) {
      this.#worker = undefined;
      void started.then((worker) => worker.terminate()).catch(() => {});
      throw error;
    }
  }
}

async function startWorker({ program, memoryMiB }: ThreadLimits): Promise<Worker> {
  const worker = new Worker(program, {
    // Of the process's own, none concerns it.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
  // Between two answers nobody listens; an error shows with the next.
  worker.on("error", () => {});
  await once(worker, "message");
  // No process shall live for it.
  worker.unref();
  return worker;
}

function answerOf<A>(
  worker: Worker,
  { question, limitMs }: { question: unknown; limitMs: number },
  timers: Pick<Clock, "after">,
): Promise<A> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      cancel();
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      settle();
    };
    const onMessage = (answer: A) => end(() => resolve(answer));
    const onError = (error: Error & { code?: string }) => {
      const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      end(() => reject(isFull ? new Overrun("memory") : error));
    };
    const onExit = () => end(() => reject(new Error("the thread ended")));
    const cancel = timers.after(limitMs, () => end(() => reject(new Overrun("time"))));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage(question);
  });
}
