import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { databaseOf } from "../../functions/cloud/firestore/client.ts";
import { FirestoreKeyStore } from "../../functions/cloud/firestore/key-store.ts";
import type { KeyStore } from "../../functions/services/callers.ts";
import { systemClock } from "../../shared/clock.ts";
import { keyFault, keyHash, newKey, newKeyRecord } from "../../shared/documents/key.ts";
import { isInUse, keyFile, readKey, readServerAddress } from "../local/state/directory.ts";
import { complain, say } from "../local/terminal.ts";
import { type Command, HELP, type KeyOrder, type Place, parseCommand } from "./options.ts";
import { keyTable } from "./table.ts";

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2), new Date());
  if (command.name === "help") {
    say(HELP);
    return 0;
  }
  const firestore = openFirestore(command.place);
  try {
    return await perform(command, new FirestoreKeyStore(databaseOf(firestore, systemClock)));
  } finally {
    await firestore.terminate();
  }
}

/** @throws {Error} if no server runs on the state directory */
function openFirestore(place: Place): Firestore {
  if ("projectId" in place) return new Firestore(place);
  const directory = resolve(place.directory);
  const server = readServerAddress(directory);
  const host = server?.clients["FIRESTORE_EMULATOR_HOST"];
  if (server === undefined || host === undefined || !isInUse(directory)) {
    throw new Error(`No server runs on ${directory}. Start one with: npm start`);
  }
  // Google's clients would otherwise look for a metadata server and wait for it.
  process.env["METADATA_SERVER_DETECTION"] = "none";
  return new Firestore({ projectId: server.projectId, host, ssl: false });
}

function perform(command: Exclude<Command, { name: "help" }>, keys: KeyStore): Promise<number> {
  switch (command.name) {
    case "create":
      return create(command.order, keys);
    case "list":
      return list(keys);
    case "revoke":
      return revoke(command, keys);
  }
}

async function create(order: KeyOrder, keys: KeyStore): Promise<number> {
  const key = newKey(randomBytes);
  const record = newKeyRecord(key, { ...order, now: new Date(), id: randomBytes(16) });
  await keys.create(keyHash(key), record);
  say(key);
  const until =
    record.expiresAt === null ? "never expires" : `until ${record.expiresAt.toISOString()}`;
  // Not to standard output, where the key stands alone.
  complain(`${record.id}: of ${record.owner}, scope ${record.scopes.join(", ")}, ${until}.`);
  complain("Keep the key: it is stored nowhere and cannot be shown again.");
  return 0;
}

async function list(keys: KeyStore): Promise<number> {
  const records = (await keys.list()).map(({ record }) => record);
  say(records.length === 0 ? "There are no keys." : keyTable(records, new Date()));
  return 0;
}

async function revoke(
  { id, place }: Extract<Command, { name: "revoke" }>,
  keys: KeyStore,
): Promise<number> {
  const found = (await keys.list()).find(({ record }) => record.id === id);
  if (found === undefined) throw new Error(`There is no key ${id}; list shows the keys.`);
  const { hash, record } = found;
  const now = new Date();
  if (record.revokedAt !== null) {
    say(`Nothing to do: ${keyFault(record, now)}.`);
    return 0;
  }
  await keys.revoke(hash, now);
  say(`Revoked ${id}. Where it was used just now, it may work for another minute.`);
  if ("directory" in place) sayIfOwn(resolve(place.directory), hash);
  return 0;
}

/** A state directory keeps the key of its first start, which other commands send. */
function sayIfOwn(directory: string, hash: string): void {
  const own = readKey(directory);
  if (own === undefined || keyHash(own) !== hash) return;
  complain(
    `It is the key in ${keyFile(directory)}: remove that file, and the next start makes another.`,
  );
}

process.exitCode = await main().catch((error: unknown) => {
  complain(error instanceof Error ? error.message : String(error));
  return 1;
});
