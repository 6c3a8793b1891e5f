import { RETRY_LIMITS, TIMING } from "../../../shared/limits.ts";
import type { Process } from "./process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What becomes of a message on its way. */
export type MessageFate = "lost" | "twice" | { lateSeconds: number };

/** A push subscription of one of our functions. */
export interface Subscription {
  time: VirtualTime;
  /** Handles a message in a process of its own; rejects as the function does. */
  handle(data: Buffer): { process: Process; done: Promise<void> };
  /** What becomes of a message when it is published; undefined: nothing. */
  fateOf(data: Buffer): MessageFate | undefined;
  note(line: () => string): void;
}

const LATENCY_MS: readonly [number, number] = [20, 150];
/**
 * From a handler's death to the next delivery: its connection breaks, and then there is a backoff.
 */
const AFTER_DEATH_MS: readonly [number, number] = [TIMING.minRedelivery * 1000, 15_000];

/**
 * Deliveries of a subscription: at least once, in no order, again after a refusal, a death, or when
 * nobody has answered within the ack deadline.
 */
export class Delivery {
  readonly #subscription: Subscription;
  /** Messages that are not done with. */
  open = 0;
  /** What was given up after too many deliveries. */
  readonly deadLetters: Buffer[] = [];

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  publish(data: Buffer): void {
    const { time, fateOf, note } = this.#subscription;
    const fate = fateOf(data);
    if (fate !== undefined) note(() => `a message is ${JSON.stringify(fate)}: ${data.toString()}`);
    if (fate === "lost") return;
    const lateMs = typeof fate === "object" ? fate.lateSeconds * 1000 : 0;
    for (let copy = fate === "twice" ? 2 : 1; copy > 0; copy -= 1) {
      this.open += 1;
      time.after(time.between(...LATENCY_MS) + lateMs, () => this.#deliver(data, 1));
    }
  }

  /** Delivers until one delivery is acknowledged; which one does not matter. */
  #deliver(data: Buffer, count: number): void {
    const { time, handle } = this.#subscription;
    let isAnswered = false;
    const { process, done } = handle(data);
    const again = (delayMs: number) => {
      if (isAnswered) return;
      isAnswered = true;
      if (count >= RETRY_LIMITS.maxDeliveryAttempts) {
        this.open -= 1;
        this.deadLetters.push(data);
      } else time.after(delayMs, () => this.#deliver(data, count + 1));
    };
    const cancel = time.after(TIMING.ackDeadline * 1000, () => again(0));
    process.onDeath = () => {
      cancel();
      again(time.between(...AFTER_DEATH_MS));
    };
    done.then(
      () => {
        cancel();
        if (!isAnswered) this.open -= 1;
        isAnswered = true;
      },
      () => {
        cancel();
        again(Math.min(TIMING.minRedelivery * 2 ** (count - 1), TIMING.maxRedelivery) * 1000);
      },
    );
  }
}
