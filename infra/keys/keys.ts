import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { Failure } from "../../cli/failure.ts";
import { keyFile, readKey } from "../../cli/local-server.ts";
import { complain, oneLine, say } from "../../cli/terminal.ts";
import { databaseOf } from "../../functions/cloud/firestore/client.ts";
import { FirestoreKeyStore } from "../../functions/cloud/firestore/key-store.ts";
import type { KeyStore } from "../../functions/services/callers.ts";
import { systemClock } from "../../shared/clock.ts";
import { keyFault, keyHash, newKey, newKeyRecord } from "../../shared/documents/key.ts";
import { openPlace, type Place, placeOf } from "../local/state/place.ts";
import { type KeyFlags, type KeyOrder, keyOrder } from "./options.ts";
import { keyTable } from "./table.ts";

/** Where the keys are, as the command line says it. */
interface PlaceFlags {
  state?: string;
  project?: string;
}

/** Makes a key and shows it, this once, alone on standard output. */
export function createKey(flags: KeyFlags & PlaceFlags): Promise<void> {
  const place = placeOf(flags);
  const order = keyOrder(flags, new Date());
  return withKeys(place, (keys) => create(order, keys));
}

/** Says what keys there are, without the keys themselves. */
export function listKeys(flags: PlaceFlags): Promise<void> {
  return withKeys(placeOf(flags), list);
}

/** Ends a key for good. */
export function revokeKey(id: string, flags: PlaceFlags): Promise<void> {
  const place = placeOf(flags);
  return withKeys(place, (keys) => revoke(id, place, keys));
}

async function withKeys(place: Place, perform: (keys: KeyStore) => Promise<void>): Promise<void> {
  const { firestore } = openPlace(place);
  try {
    await perform(new FirestoreKeyStore(databaseOf(firestore, systemClock)));
  } finally {
    await firestore.terminate();
  }
}

async function create(order: KeyOrder, keys: KeyStore): Promise<void> {
  const key = newKey(randomBytes);
  const record = newKeyRecord(key, { ...order, now: new Date(), id: randomBytes(16) });
  await keys.create(keyHash(key), record);
  say(key);
  const until =
    record.expiresAt === null ? "never expires" : `until ${record.expiresAt.toISOString()}`;
  // Not to standard output, where the key stands alone.
  complain(`${record.id}: of ${record.owner}, scope ${record.scopes.join(", ")}, ${until}.`);
  complain("Keep the key: it is stored nowhere and cannot be shown again.");
}

async function list(keys: KeyStore): Promise<void> {
  const records = (await keys.list()).map(({ record }) => record);
  say(records.length === 0 ? "There are no keys." : keyTable(records, new Date()));
}

async function revoke(id: string, place: Place, keys: KeyStore): Promise<void> {
  const found = (await keys.list()).find(({ record }) => record.id === id);
  if (found === undefined)
    throw new Failure(`There is no key ${oneLine(id)}; list shows the keys.`);
  const { hash, record } = found;
  const now = new Date();
  if (record.revokedAt !== null) {
    say(`Nothing to do: ${keyFault(record, now)}.`);
  }
  await keys.revoke(hash, now);
  say(`Revoked ${id}. Where it was used just now, it may work for another minute.`);
  if ("directory" in place) sayIfOwn(resolve(place.directory), hash);
}

/** A state directory keeps the key of its first start, which other commands send. */
function sayIfOwn(directory: string, hash: string): void {
  const own = readKey(directory);
  if (own === undefined || keyHash(own) !== hash) return;
  complain(
    `It is the key in ${keyFile(directory)}: remove that file, and the next start makes another.`,
  );
}
