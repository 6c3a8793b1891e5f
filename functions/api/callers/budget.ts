import type { Response } from "express";
import { AppError } from "../../../shared/errors.ts";

const WINDOW_MS = 60_000;
/** More spenders than these share one budget: memory is bounded, whoever comes. */
const SPENDERS = 10_000;
const OTHERS = "";

/** What of its budget a spender has left. */
export interface Balance {
  remaining: number;
  /** Seconds until the budget is whole again. */
  resetSeconds: number;
}

/**
 * Counts what each of many spends in a minute. The minutes are the same for all and are not
 * sliding: about twice the quota is possible around the end of one. In memory, so that each
 * instance has budgets of its own.
 */
export class Budget {
  readonly name: string;
  /** How much each may spend in a minute. */
  readonly quota: number;
  readonly #now: () => Date;
  readonly #spent = new Map<string, number>();
  #window = 0;

  constructor({ name, quota, now }: { name: string; quota: number; now: () => Date }) {
    this.name = name;
    this.quota = quota;
    this.#now = now;
  }

  /** What somebody has left, without spending; below 0: it is overdrawn. */
  balanceOf(spender: string): Balance {
    const resetSeconds = this.#turnWindow();
    return { remaining: this.quota - (this.#spent.get(this.#account(spender)) ?? 0), resetSeconds };
  }

  /** Spends one. */
  spend(spender: string): Balance {
    this.#turnWindow();
    const account = this.#account(spender);
    this.#spent.set(account, (this.#spent.get(account) ?? 0) + 1);
    return this.balanceOf(spender);
  }

  #account(spender: string): string {
    return this.#spent.has(spender) || this.#spent.size < SPENDERS ? spender : OTHERS;
  }

  /** Forgets what was spent in an earlier minute; says how long this one still is. */
  #turnWindow(): number {
    const nowMs = this.#now().getTime();
    const window = Math.floor(nowMs / WINDOW_MS);
    if (window !== this.#window) {
      this.#window = window;
      this.#spent.clear();
    }
    return Math.ceil(((window + 1) * WINDOW_MS - nowMs) / 1000);
  }
}

/**
 * Says in an answer's headers what is left of a budget.
 *
 * @see https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html
 */
export function tellBalance(
  response: Response,
  { name, quota }: Budget,
  { remaining, resetSeconds }: Balance,
): void {
  response.set({
    "RateLimit-Policy": `"${name}";q=${quota};w=${WINDOW_MS / 1000}`,
    RateLimit: `"${name}";r=${Math.max(0, remaining)};t=${resetSeconds}`,
  });
}

/** The refusal of one who has spent more than the budget. */
export function overdrawn({ resetSeconds }: Balance, detail: string): AppError {
  const when = `try again in ${resetSeconds} s`;
  return new AppError("rate_limited", {
    detail: `${detail}; ${when}`,
    retryAfterSeconds: resetSeconds,
  });
}
