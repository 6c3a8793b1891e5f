import type { DatabaseSync } from "node:sqlite";
import { openDatabase, writing } from "../wire/database.ts";
import type { StoredMessage, SubscriptionConfig, TopicConfig } from "./types.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, config TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    config TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    data BLOB NOT NULL,
    attributes TEXT NOT NULL,
    ordering_key TEXT NOT NULL,
    published_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS deliveries (
    subscription INTEGER NOT NULL,
    message INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscription, message)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deliveries_by_message ON deliveries (message);
`;

/**
 * Where a message stands on one subscription. A row that no longer exists is acknowledged for good.
 *
 * - `OPEN`: not acknowledged.
 * - `RETAINED`: acknowledged, kept because the subscription asks for it; only a seek brings it
 *   back.
 * - `HELD`: acknowledged, but an earlier message of its ordering key is not, and would bring it
 *   back.
 */
export const DELIVERY_STATE = { OPEN: 0, RETAINED: 1, HELD: 2 } as const;

/** A row of `deliveries` with what delivery must know of its message. */
export interface DeliveryRow {
  message: number;
  failures: number;
  notBeforeMs: number;
  orderingKey: string;
  publishedAtMs: number;
  sizeBytes: number;
}

/** Everything that outlives the process. Each method is one statement, prepared once. */
export type Store = ReturnType<typeof openStore>;

export function openStore(directory: string) {
  const database = openDatabase(directory, "pubsub", SCHEMA);
  return {
    database,
    ...configStatements(database),
    ...messageStatements(database),
    ...deliveryStatements(database),
  };
}

function configStatements(database: DatabaseSync) {
  const topics = database.prepare("SELECT config FROM topics");
  const saveTopic = database.prepare("INSERT OR REPLACE INTO topics VALUES (?, ?)");
  const deleteTopic = database.prepare("DELETE FROM topics WHERE name = ?");
  const subscriptions = database.prepare("SELECT id, config FROM subscriptions");
  const insertSubscription = database.prepare(
    "INSERT INTO subscriptions (name, config) VALUES (?, ?)",
  );
  const updateSubscription = database.prepare("UPDATE subscriptions SET config = ? WHERE id = ?");
  const deleteSubscription = database.prepare("DELETE FROM subscriptions WHERE id = ?");
  return {
    topics: () => topics.all().map((row) => JSON.parse(String(row["config"])) as TopicConfig),
    saveTopic: (config: TopicConfig) =>
      writing(database, () => void saveTopic.run(config.name, JSON.stringify(config))),
    deleteTopic: (name: string) => void deleteTopic.run(name),
    subscriptions: () =>
      subscriptions.all().map((row) => ({
        id: Number(row["id"]),
        config: JSON.parse(String(row["config"])) as SubscriptionConfig,
      })),
    /** Returns the subscription's number, which no other one ever gets. */
    insertSubscription: (config: SubscriptionConfig) =>
      writing(database, () =>
        Number(insertSubscription.run(config.name, JSON.stringify(config)).lastInsertRowid),
      ),
    updateSubscription: (id: number, config: SubscriptionConfig) =>
      void updateSubscription.run(JSON.stringify(config), id),
    deleteSubscription: (id: number) => void deleteSubscription.run(id),
  };
}

function messageStatements(database: DatabaseSync) {
  const lastId = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'messages'");
  const insert = database.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)");
  const read = database.prepare("SELECT * FROM messages WHERE id = ?");
  const drop = database.prepare(
    "DELETE FROM messages WHERE id = ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = ?)",
  );
  const dropAll = database.prepare(
    "DELETE FROM messages WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE message = messages.id)",
  );
  return {
    lastMessageId: () => Number(lastId.get()?.["seq"] ?? 0),
    insertMessage: (message: StoredMessage, sizeBytes: number) => {
      const { id, data, attributes, orderingKey, publishedAtMs } = message;
      insert.run(id, data, JSON.stringify(attributes), orderingKey, publishedAtMs, sizeBytes);
    },
    /** Call only while a subscription still needs the message. */
    readMessage: (id: number): StoredMessage => {
      const row = read.get(id) as Record<string, unknown>;
      const bytes = row["data"] as Uint8Array;
      return {
        id,
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        attributes: JSON.parse(String(row["attributes"])),
        orderingKey: String(row["ordering_key"]),
        publishedAtMs: Number(row["published_at_ms"]),
      };
    },
    /** Deletes a message that no subscription needs any more. */
    dropUnneededMessage: (id: number) => void drop.run(id, id),
    dropUnneededMessages: () => void dropAll.run(),
  };
}

function deliveryStatements(database: DatabaseSync) {
  const insert = database.prepare("INSERT INTO deliveries (subscription, message) VALUES (?, ?)");
  const list = database.prepare(
    `SELECT message, failures, not_before_ms AS notBeforeMs, ordering_key AS orderingKey,
       published_at_ms AS publishedAtMs, size_bytes AS sizeBytes
     FROM deliveries JOIN messages ON messages.id = message
     WHERE subscription = ? AND state <> ${DELIVERY_STATE.RETAINED} ORDER BY message`,
  );
  const fail = database.prepare(
    "UPDATE deliveries SET failures = ?, not_before_ms = ? WHERE subscription = ? AND message = ?",
  );
  const mark = database.prepare(
    "UPDATE deliveries SET state = ? WHERE subscription = ? AND message = ?",
  );
  const remove = database.prepare("DELETE FROM deliveries WHERE subscription = ? AND message = ?");
  const removeAll = database.prepare("DELETE FROM deliveries WHERE subscription = ?");
  return {
    insertDelivery: (subscription: number, message: number) =>
      void insert.run(subscription, message),
    /** What the subscription has not acknowledged for good, oldest first. */
    deliveries: (subscription: number) => list.all(subscription) as unknown as DeliveryRow[],
    failDelivery: (
      subscription: number,
      row: Pick<DeliveryRow, "message" | "failures" | "notBeforeMs">,
    ) => void fail.run(row.failures, row.notBeforeMs, subscription, row.message),
    markDelivery: (
      subscription: number,
      message: number,
      state: (typeof DELIVERY_STATE)[keyof typeof DELIVERY_STATE],
    ) => void mark.run(state, subscription, message),
    deleteDelivery: (subscription: number, message: number) =>
      void remove.run(subscription, message),
    deleteDeliveries: (subscription: number) => void removeAll.run(subscription),
    ...retentionStatements(database),
  };
}

function retentionStatements(database: DatabaseSync) {
  const expire = database.prepare(
    `DELETE FROM deliveries WHERE subscription = ? AND state = ${DELIVERY_STATE.RETAINED}
       AND (SELECT published_at_ms FROM messages WHERE id = message) <= ?`,
  );
  const seek = database.prepare(
    `UPDATE deliveries SET failures = 0, not_before_ms = 0, state = CASE
         WHEN (SELECT published_at_ms FROM messages WHERE id = message) < ?
         THEN ${DELIVERY_STATE.RETAINED} ELSE ${DELIVERY_STATE.OPEN} END
       WHERE subscription = ?`,
  );
  const forget = database.prepare(
    `DELETE FROM deliveries WHERE subscription = ? AND state = ${DELIVERY_STATE.RETAINED}`,
  );
  return {
    /** Deletes what is acknowledged, retained, and was published at `untilMs` or before. */
    expireRetained: (subscription: number, untilMs: number) =>
      void expire.run(subscription, untilMs),
    /**
     * Acknowledges what was published before `timeMs` and takes the acknowledgement of the rest
     * back.
     */
    seekDeliveries: (subscription: number, timeMs: number) => void seek.run(timeMs, subscription),
    /** Deletes what is acknowledged and only retained. */
    forgetRetained: (subscription: number) => void forget.run(subscription),
  };
}
