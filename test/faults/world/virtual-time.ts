import { AsyncLocalStorage } from "node:async_hooks";
import crypto from "node:crypto";
import { seededRandom } from "../../../infra/emulators/wire/random.ts";
import { setFirestoreTimers } from "../clients/firestore.ts";

interface Timer {
  atMs: number;
  order: number;
  /** Undefined: taken back. */
  callback: (() => void) | undefined;
}

/**
 * Whatever a world has set going. What others have left at work in this process goes on in the real
 * time: a timer of a client that was closed early would else see a year go by, and never rest.
 */
const inWorld = new AsyncLocalStorage<true>();

/** A Monday, at noon. */
const START = new Date("2026-01-05T12:00Z");

/**
 * The one line of everything that happens in a world, in the order of its time. Between two
 * happenings all that the first has set going runs until it waits for another.
 */
export class VirtualTime {
  readonly #startMs: number;
  #nowMs: number;
  #order = 0;
  readonly #heap: Timer[] = [];
  /** Rejections that nobody has handled: a process of its own would have died of each. */
  strayRejections = 0;
  /** The same numbers for the same seed, in [0, 1). */
  readonly random: () => number;

  /** @param start when the world begins */
  constructor(seed: number, start = START) {
    this.random = seededRandom(seed);
    this.#startMs = start.getTime();
    this.#nowMs = this.#startMs;
  }

  nowMs = (): number => this.#nowMs;

  /** Milliseconds since the world began. */
  elapsedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /** Calls back after `delayMs`; the returned function takes that back. */
  after(delayMs: number, callback: () => void): () => void {
    this.#order += 1;
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, callback };
    push(this.#heap, timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** @returns resolves `delayMs` later */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  isTrueWith(probability: number): boolean {
    return this.random() < probability;
  }

  /**
   * Lets time pass until `isOver` says so, or nothing is left to happen, or the world is `limitMs`
   * old.
   *
   * @returns whether it was `isOver` that ended it
   */
  run(isOver: () => boolean, limitMs: number): Promise<boolean> {
    return inWorld.run(true, () => this.#run(isOver, limitMs));
  }

  async #run(isOver: () => boolean, limitMs: number): Promise<boolean> {
    const restore = this.#install();
    try {
      await settled();
      while (!isOver()) {
        const timer = pop(this.#heap);
        if (timer === undefined || timer.atMs - this.#startMs > limitMs) return false;
        if (timer.callback === undefined) continue;
        this.#nowMs = timer.atMs;
        timer.callback();
        await settled();
      }
      return true;
    } finally {
      restore();
    }
  }

  /** Google's clients draw their jitter and read the time where everybody does. */
  #install(): () => void {
    const { random } = Math;
    const { now } = Date;
    const { stackTraceLimit } = Error;
    const { randomBytes } = crypto;
    // Thousands of refusals a second are made here, and nobody reads where.
    Error.stackTraceLimit = 0;
    Math.random = () => (inWorld.getStore() ? this.random() : random());
    // Firestore's client names each of its requests by forty of them, which nobody reads.
    const same = (length: number) => SAME.subarray(0, length);
    Object.assign(crypto, {
      randomBytes: (length: number) => (inWorld.getStore() ? same(length) : randomBytes(length)),
    });
    Date.now = () => (inWorld.getStore() ? this.#nowMs : now());
    // Firestore's client leaves one behind when the first read of a read-only transaction fails.
    const note = () => {
      this.strayRejections += 1;
    };
    process.on("unhandledRejection", note);
    const restoreTimers = setFirestoreTimers((ms, callback) => void this.after(ms, callback));
    return () => {
      restoreTimers();
      process.off("unhandledRejection", note);
      Math.random = random;
      Date.now = now;
      Object.assign(crypto, { randomBytes });
      Error.stackTraceLimit = stackTraceLimit;
    };
  }
}

const SAME = Buffer.alloc(64, 7);

/** Resolves when nothing can go on before time passes. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const isBefore = (left: Timer, right: Timer): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as Timer;
    if (!isBefore(timer, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  while (true) {
    let down = 2 * at + 1;
    if (down >= heap.length) break;
    const right = heap[down + 1];
    if (right !== undefined && isBefore(right, heap[down] as Timer)) down += 1;
    if (!isBefore(heap[down] as Timer, last)) break;
    heap[at] = heap[down] as Timer;
    at = down;
  }
  heap[at] = last;
  return first;
}
