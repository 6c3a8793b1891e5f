import type { GoogleStatus } from "../../../infra/emulators/wire/status.ts";
import { GoogleError } from "../../../infra/emulators/wire/status.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Caller } from "../clients/caller.ts";
import { grpcError } from "../clients/client-error.ts";
import { apiError } from "../clients/storage.ts";
import { type Fate, nameOf, type Point } from "./fate.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a process lives in. */
export interface Surroundings {
  time: VirtualTime;
  /** Tells what befalls a call, having taken note of it, and how long it is on its way. */
  meet(call: Pick<Point, "handler" | "kind">): { fate: Fate | undefined; latencyMs: number };
  /** A line of the trace. */
  note(line: () => string): void;
}

/** Tells a caller what its call gave. */
interface Answer<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Has a call happen; tells its caller of it when that is called. */
function outcomeOf<T>(effect: () => T, { resolve, reject }: Answer<T>): () => void {
  try {
    const value = effect();
    return () => resolve(value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return () => reject(error);
  }
}

function halfOf<T>(read: T): T {
  return Buffer.isBuffer(read) ? (read.subarray(0, read.length >> 1) as T) : read;
}

/** A process of ours, which may die, or stand still, at each call that it makes. */
export class Process implements Caller {
  readonly handler: string;
  /** Its clock, with the skew of the machine that it runs on. */
  readonly clock: Clock;
  readonly #world: Surroundings;
  /** `submitBuild#7 run_…`, for the trace. */
  readonly #name: string;
  #isDead = false;
  #isFrozen = false;
  #held: (() => void)[] = [];
  /** Is called once, when it dies. */
  onDeath: () => void = () => {};

  constructor(
    world: Surroundings,
    {
      handler,
      number,
      about,
      skewMs = 0,
    }: { handler: string; number: number; about: string; skewMs?: number },
  ) {
    this.handler = handler;
    this.#world = world;
    this.#name = `${handler}#${number} ${about}`;
    const { time } = world;
    this.clock = {
      now: () => time.nowMs() + skewMs,
      after: (delayMs, callback) => time.after(delayMs, () => this.deliver(callback)),
      every: (periodMs, callback) => this.#every(periodMs, callback),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Hands something in from outside: at once, or when it goes on; to a dead one never. */
  deliver(callback: () => void): void {
    if (this.#isDead) return;
    if (this.#isFrozen) this.#held.push(callback);
    else callback();
  }

  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#held = [];
    this.onDeath();
  }

  freeze(seconds: number): void {
    this.#isFrozen = true;
    this.#world.time.after(seconds * 1000, () => {
      this.#isFrozen = false;
      const held = this.#held;
      this.#held = [];
      for (const callback of held) this.deliver(callback);
    });
  }

  call<T>(kind: string, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.deliver(() => this.#send(kind, effect, { resolve, reject }));
    });
  }

  #send<T>(kind: string, effect: () => T, answer: Answer<T>): void {
    const { time, note } = this.#world;
    const { fate, latencyMs } = this.#world.meet({ handler: this.handler, kind });
    note(() => `${this.#name} ${kind}${fate ? `  ← ${nameOf(fate)}` : ""}`);
    if (fate?.type === "die" && fate.when === "before") {
      this.die();
      return;
    }
    if (fate?.type === "freeze" && fate.when === "before") {
      this.freeze(fate.seconds);
      // It has not left the process yet.
      this.deliver(() => this.#arrive(kind, effect, { fate: undefined, answer }));
      return;
    }
    const delayMs = fate?.type === "slow" ? fate.seconds * 1000 : latencyMs;
    time.after(delayMs, () => this.#arrive(kind, effect, { fate, answer }));
  }

  /** At the service. A request that has left a process arrives, whatever became of the process. */
  #arrive<T>(
    kind: string,
    effect: () => T,
    { fate, answer }: { fate: Fate | undefined; answer: Answer<T> },
  ): void {
    if (fate?.type === "fail") {
      this.deliver(() => answer.reject(errorOf(kind, fate.status)));
      return;
    }
    let done = outcomeOf(effect, answer);
    if (fate?.type === "again") done = outcomeOf(effect, answer);
    if (fate?.type === "short") done = outcomeOf(() => halfOf(effect()), answer);
    if (fate?.type === "die") {
      this.die();
      return;
    }
    if (fate?.type === "freeze") this.freeze(fate.seconds);
    if (fate?.type === "lost") done = () => answer.reject(errorOf(kind, fate.status));
    this.deliver(done);
  }

  #every(periodMs: number, callback: () => void): () => void {
    let stop = () => {};
    const plan = () => {
      stop = this.clock.after(periodMs, () => {
        plan();
        callback();
      });
    };
    plan();
    return () => stop();
  }
}

/** The error that a client throws for it, in the numbers of the service's own protocol. */
function errorOf(kind: string, status: GoogleStatus): Error {
  const message = "as the proof wants it";
  if (!kind.startsWith("storage.")) return grpcError(status, message);
  return apiError(new GoogleError(status, message).httpStatus, message);
}
