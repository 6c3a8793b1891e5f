import { signal } from "@preact/signals";
import { api, endedSession } from "./session.ts";
import { daysAgo } from "./words/time.ts";

/**
 * How long half of this week's runs waited for Cloud Build at most, in milliseconds; null: not
 * known.
 */
export const usualQueueMs = signal<number | null>(null);

export async function loadUsual(): Promise<void> {
  try {
    const from = daysAgo(6, Date.now()).slice(0, 10);
    const { total } = await api().usage({ by: "status", from });
    usualQueueMs.value = total.phases.find(({ name }) => name === "queue")?.p50Ms ?? null;
  } catch (error) {
    // Without it only what is usual is not said.
    endedSession(error);
  }
}
