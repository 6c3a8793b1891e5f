import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldPath,
  type Firestore,
  type Query,
} from "@google-cloud/firestore";
import type { ApiError, Bucket } from "@google-cloud/storage";
import { Failure, usageFault } from "../../cli/failure.ts";
import { oneLine, say } from "../../cli/terminal.ts";
import { MIRROR_DAYS, mirrorsPrefix } from "../../shared/documents/mirror.ts";
import { sha256 } from "../../shared/hash.ts";
import { COLLECTIONS } from "../../shared/names.ts";
import { counted } from "../../shared/text.ts";
import { openBucket, openPlace, placeOf } from "../local/state/place.ts";

interface Flags {
  yes?: boolean;
  state?: string;
  project?: string;
}

/**
 * Erases what is kept of an owner beside its runs, which the API erases, one by one, with their
 * objects.
 *
 * @throws {Failure} if there is a run of that owner
 */
export async function eraseOwner(owner: string, { yes, ...place }: Flags): Promise<void> {
  if (!yes) throw usageFault("erase ends keys and agents for good; say --yes if that is meant");
  const named = placeOf(place);
  const { firestore } = openPlace(named);
  try {
    await refuseRuns(firestore, owner);
    const documents = await documentsOf(firestore, owner);
    for (const document of documents) await firestore.recursiveDelete(document);
    const mirrors = await eraseMirrors(openBucket(named), owner);
    const erased = [counted(documents.length, "document"), counted(mirrors, "mirror")].join(
      " and ",
    );
    say(`Erased ${erased} of ${oneLine(owner)}.`);
  } finally {
    await firestore.terminate();
  }
}

const NOT_FOUND = 404;

/** Erases the mirrors of an owner's repositories. @returns how many they were */
async function eraseMirrors(bucket: Bucket, owner: string): Promise<number> {
  const prefix = mirrorsPrefix(owner);
  try {
    const [mirrors] = await bucket.getFiles({ prefix });
    for (const mirror of mirrors) await mirror.delete({ ignoreNotFound: true });
    return mirrors.length;
  } catch (error) {
    if ((error as ApiError).code !== NOT_FOUND) throw error;
    const where = `in the bucket that RUNYARD_BUCKET names, the objects under ${prefix}`;
    throw new Failure(
      `There is no bucket ${bucket.name}. Erase ${where}, or wait ${MIRROR_DAYS} days. All else is erased.`,
      { cause: error },
    );
  }
}

async function refuseRuns(firestore: Firestore, owner: string): Promise<void> {
  const runs = firestore.collection(COLLECTIONS.runs).where("owner", "==", owner).limit(1);
  const [run] = (await runs.get()).docs;
  if (run === undefined) return;
  const how =
    "with a key of that owner: npx runyard delete RUN…, of those that npx runyard list says";
  throw new Failure(`${oneLine(owner)} has runs, as ${run.id}. Erase them first, ${how}.`);
}

/** Keys first: a new run would be in the way. */
async function documentsOf(firestore: Firestore, owner: string): Promise<DocumentReference[]> {
  const of = (name: keyof typeof COLLECTIONS) => firestore.collection(COLLECTIONS[name]);
  const owned = (name: keyof typeof COLLECTIONS) => of(name).where("owner", "==", owner);
  const hash = sha256(owner);
  // Keys, and lanes, have no index: there are few.
  const keys = ownOf((await of("keys").get()).docs, owner);
  const byOwner = await Promise.all([
    found(owned("agents").orderBy("createdAt", "desc")),
    found(owned("conversations").orderBy("createdAt", "desc")),
    found(owned("triggers").orderBy("createdAt", "desc")),
    found(owned("webhooks").orderBy("createdAt", "desc")),
    // Also of triggers and webhooks that were deleted: what came of them is kept for days.
    found(owned("firings")),
    found(owned("triggerCounts")),
    found(owned("deliveries")),
    of("triggerLanes")
      .get()
      .then(({ docs }) => ownOf(docs, owner)),
    found(owned("erasedRuns").orderBy("at")),
    found(of("usage").orderBy(FieldPath.documentId()).startAt(`${hash}-`).endAt(`${hash}.`)),
    found(of("lines")).then((lines) => lines.filter(({ id }) => id.endsWith(`.${hash}`))),
  ]);
  const byHash = await firestore.getAll(
    ...[hash, `${hash}.triggers`, `${hash}.webhooks`].map((id) => of("owners").doc(id)),
    of("spending").doc(hash),
  );
  const others = byHash.filter(({ exists }) => exists).map(({ ref }) => ref);
  return [...keys, ...byOwner.flat(), ...others];
}

const ownOf = (documents: readonly DocumentSnapshot[], owner: string): DocumentReference[] =>
  documents.filter((document) => document.get("owner") === owner).map(({ ref }) => ref);

async function found(query: Query): Promise<DocumentReference[]> {
  return (await query.select().get()).docs.map(({ ref }) => ref);
}
