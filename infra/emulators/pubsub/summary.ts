import { openForReading } from "../wire/database.ts";
import { DELIVERY_STATE } from "./store.ts";

/** What a state directory holds of Pub/Sub. */
export interface PubsubSummary {
  topics: number;
  /** Messages that are not acknowledged, by the subscription's name. */
  undelivered: Record<string, number>;
}

/** Counts what the service keeps in `directory`, running or not. */
export function summarizePubsub(directory: string): PubsubSummary {
  using database = openForReading(directory, "pubsub");
  if (database === undefined) return { topics: 0, undelivered: {} };
  const topics = Number(database.prepare("SELECT count(*) AS count FROM topics").get()?.["count"]);
  const rows = database
    .prepare(
      `SELECT name, (SELECT count(*) FROM deliveries
         WHERE subscription = subscriptions.id AND state = ${DELIVERY_STATE.OPEN}) AS count
       FROM subscriptions ORDER BY name`,
    )
    .all();
  const undelivered = rows.map(({ name, count }) => [String(name), Number(count)]);
  return { topics, undelivered: Object.fromEntries(undelivered) };
}
