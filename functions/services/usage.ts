import type { UsageDay } from "../../shared/usage/usage-day.ts";

/** What owners' runs came to, day by day. */
export interface UsageStore {
  /** Of each of these days, in their order. @param days `2026-01-31`, in UTC */
  daysOf(owner: string, days: readonly string[]): Promise<UsageDay[]>;
}
