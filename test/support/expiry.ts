import { readFileSync } from "node:fs";
import { EXPIRED } from "../../infra/deploy/plan/storage.ts";
import type { World } from "./world.ts";

const DAY_MS = 24 * 3600 * 1000;

/** Fields by which Firestore deletes documents, by collection. */
const TTL_FIELDS: { collectionGroup: string; fieldPath: string }[] = JSON.parse(
  readFileSync(new URL("../../firestore.indexes.json", import.meta.url), "utf8"),
).fieldOverrides.filter(({ ttl }: { ttl?: boolean }) => ttl);

/**
 * Deletes what Firestore's policies and the bucket's rule have deleted in so many days, which the
 * emulators do not do by themselves.
 *
 * @returns documents' paths and objects' names
 */
export async function passDays(world: World, days: number): Promise<string[]> {
  const at = Date.now() + days * DAY_MS;
  return [...(await expireDocuments(world, at)), ...(await expireObjects(world, at))];
}

async function expireDocuments({ firestore }: World, at: number): Promise<string[]> {
  const lists = TTL_FIELDS.map(async ({ collectionGroup, fieldPath }) => {
    const { docs } = await firestore.collectionGroup(collectionGroup).get();
    const expired = docs.filter((document) => document.get(fieldPath)?.toMillis() <= at);
    await Promise.all(expired.map(({ ref }) => ref.delete()));
    return expired.map(({ ref }) => ref.path);
  });
  return (await Promise.all(lists)).flat();
}

async function expireObjects({ storage }: World, at: number): Promise<string[]> {
  const { daysSinceCustomTime, matchesPrefixes } = EXPIRED.condition;
  const isExpired = (name: string, customTime: string | undefined): boolean =>
    matchesPrefixes.some((prefix) => name.startsWith(prefix)) &&
    Date.parse(customTime ?? "") + daysSinceCustomTime * DAY_MS <= at;
  const [files] = await storage.bucket("runyard-local").getFiles();
  const expired = files.filter(({ name, metadata }) => isExpired(name, metadata.customTime));
  await Promise.all(expired.map((file) => file.delete()));
  return expired.map(({ name }) => name);
}
