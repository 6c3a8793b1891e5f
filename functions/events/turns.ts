import type { Clock } from "../../shared/clock.ts";
import type { WebhookTurns } from "../services/webhooks.ts";

/** Lets a few in at a time, for each key. */
export class Turns implements WebhookTurns {
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(most: number) {
    this.#most = most;
  }

  async take(
    key: string,
    timers: Pick<Clock, "after">,
    patienceMs: number,
  ): Promise<(() => void) | undefined> {
    if ((this.#taken.get(key) ?? 0) >= this.#most) {
      if (!(await this.#turn(key, timers, patienceMs))) return undefined;
    } else this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return () => this.#leave(key);
  }

  /** Whoever leaves gives the place to the one who has waited longest. */
  #turn(key: string, timers: Pick<Clock, "after">, patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, queue);
      const giveUp = timers.after(patienceMs, () => {
        queue.delete(take);
        resolve(false);
      });
      const take = () => {
        giveUp();
        queue.delete(take);
        resolve(true);
      };
      queue.add(take);
    });
  }

  #leave(key: string): void {
    const [next] = this.#waiting.get(key) ?? [];
    const left = (this.#taken.get(key) ?? 1) - 1;
    if (next !== undefined) next();
    else if (left > 0) this.#taken.set(key, left);
    else {
      this.#taken.delete(key);
      this.#waiting.delete(key);
    }
  }
}
