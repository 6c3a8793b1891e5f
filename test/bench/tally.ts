import type { Observer } from "./observed.ts";
import { billedPubsubBytes, type Priced } from "./prices.ts";

/** How much of something was used, by what it was for. */
export interface Tally {
  /** Adds to the count of `what` for `purpose`. */
  add(what: Priced, purpose: string, count?: number): void;
  entries(): { what: Priced; purpose: string; count: number }[];
  /** Every object that was created so far. */
  objects: Set<string>;
  reset(): void;
}

export function startTally(): Tally {
  const counts = new Map<string, { what: Priced; purpose: string; count: number }>();
  return {
    add(what, purpose, count = 1) {
      const key = `${what} ${purpose}`;
      const entry = counts.get(key) ?? { what, purpose, count: 0 };
      entry.count += count;
      counts.set(key, entry);
    },
    entries: () => [...counts.values()],
    objects: new Set(),
    reset: () => counts.clear(),
  };
}

/** Classes of operations; what is not here and is no deletion is class A. @see PRICES */
const CLASS_B = ["storage.objects.get", "storage.buckets.get"];

/** Counts what Google would bill for each call that the stand-in takes. */
export function billing(tally: Tally): Observer {
  return (method, request) => {
    const name = method.split("/").at(-1) ?? method;
    if (method.startsWith("google.firestore")) firestore(tally, name, request);
    else if (method.startsWith("google.devtools")) tally.add("cloudBuildCall", name);
    else if (method.startsWith("storage.")) storage(tally, method, request);
    else if (name === "Publish") publish(tally, request);
    else if (name === "push") push(tally, request);
    else if (name === "cloud-builds") published(tally, "cloud-builds", request);
  };
}

interface Write {
  update?: { name: string };
  delete?: string;
}

function firestore(
  tally: Tally,
  name: string,
  request: { documents?: string[]; writes?: Write[] } | undefined,
): void {
  if (name === "BatchGetDocuments") {
    for (const document of request?.documents ?? []) {
      tally.add("firestoreRead", `read ${collectionOf(document)}`);
    }
  }
  // A query costs what it finds, and one read if that is nothing: here the sweep finds nothing.
  if (name === "RunQuery") tally.add("firestoreRead", "query");
  for (const write of request?.writes ?? []) {
    if (write.delete) tally.add("firestoreDelete", `delete ${collectionOf(write.delete)}`);
    else if (write.update) tally.add("firestoreWrite", `write ${collectionOf(write.update.name)}`);
  }
}

const collectionOf = (document: string): string => document.split("/").at(-2) ?? document;

function storage(
  tally: Tally,
  method: string,
  request: { query: Record<string, string>; parameters: Record<string, string> },
): void {
  const object = request.query["name"] ?? request.parameters["object"] ?? "";
  const what = `${method.split(".").at(-1)} ${kindOf(object)}`;
  // The later requests of an upload in pieces are part of it.
  if (request.query["upload_id"] !== undefined) return;
  const isThere = tally.objects.has(object);
  const isInsert = method.endsWith(".insert");
  if (isInsert) tally.objects.add(object);
  if (/delete|cancel/i.test(method)) tally.add("storageFree", what);
  // Every insert of ours is of a new object or refused (412); what was never inserted is not found
  // (404).
  else if (isInsert === isThere) tally.add("storageRefused", what);
  else tally.add(CLASS_B.includes(method) ? "storageClassB" : "storageClassA", what);
}

function kindOf(object: string): string {
  const name = object.split("/").slice(3).join("/");
  if (name.startsWith("input-")) return "input";
  if (name.startsWith("outputs/session/")) return "session";
  return name.replace("outputs/", "") || object;
}

interface Message {
  data?: Buffer | string;
  attributes?: Record<string, string>;
}

function publish(tally: Tally, { topic, messages }: { topic: string; messages: Message[] }): void {
  for (const message of messages) published(tally, topic.split("/").at(-1) ?? topic, message);
}

function published(tally: Tally, topic: string, message: Message): void {
  tally.add("pubsubByte", `published to ${topic}`, billedPubsubBytes(sizeOf(message)));
}

function push(tally: Tally, { subscription, message }: { subscription: string; message: Message }) {
  const name = subscription.split("/").at(-1) ?? subscription;
  const data = Buffer.from(String(message.data ?? ""), "base64");
  tally.add(
    "pubsubByte",
    `delivered from ${name}`,
    billedPubsubBytes(sizeOf({ ...message, data })),
  );
  tally.add("functionRequest", `pushed ${name}`);
}

function sizeOf({ data = "", attributes = {} }: Message): number {
  const pairs = Object.entries(attributes).flat();
  return data.length + pairs.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
