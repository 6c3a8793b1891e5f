import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import type { CollectionReference, DocumentReference } from "@google-cloud/firestore";
import type { World } from "./world.ts";

/**
 * Where a text stands: paths of documents, and names of objects, in themselves or in what they
 * hold.
 */
export async function placesOf(world: World, text: string): Promise<string[]> {
  const collections = await world.firestore.listCollections();
  const documents = (await Promise.all(collections.map(allBelow))).flat();
  const found = documents.filter((document) => JSON.stringify(document).includes(text));
  const [buckets] = await world.storage.getBuckets();
  const objects = await Promise.all(
    buckets.map(async (bucket) => {
      const [files] = await bucket.getFiles();
      const texts = files.map(async (file) => {
        const [bytes] = await file.download();
        const content = file.name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
        const isThere = `${file.name} ${JSON.stringify(file.metadata)} ${content}`.includes(text);
        return isThere ? [file.name] : [];
      });
      return (await Promise.all(texts)).flat();
    }),
  );
  return [...found.map(({ path }) => path), ...objects.flat()].sort();
}

interface Stored {
  path: string;
  data: unknown;
}

async function allBelow(collection: CollectionReference): Promise<Stored[]> {
  const documents = await collection.listDocuments();
  return (await Promise.all(documents.map(withAllBelow))).flat();
}

async function withAllBelow(document: DocumentReference): Promise<Stored[]> {
  const [snapshot, collections] = await Promise.all([document.get(), document.listCollections()]);
  const below = (await Promise.all(collections.map(allBelow))).flat();
  return snapshot.exists ? [{ path: document.path, data: snapshot.data() }, ...below] : below;
}

/** Files of the state directory with a text in them, as they lie: messages and old pages too. */
export function filesWith({ directory }: World, text: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const found = paths.filter((path) => path.includes(text) || readFileSync(path).includes(text));
  return found.map((path) => relative(directory, path)).sort();
}
