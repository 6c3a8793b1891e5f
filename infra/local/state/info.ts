import { join } from "node:path";
import { isInUse, readServerAddress } from "../../../cli/local-server.ts";
import { bytes, counted } from "../../../cli/text.ts";
import { summarizeBuilds } from "../../emulators/cloud-build/summary.ts";
import { type FirestoreSummary, summarizeFirestore } from "../../emulators/firestore/summary.ts";
import { type PubsubSummary, summarizePubsub } from "../../emulators/pubsub/summary.ts";
import { type StorageSummary, summarizeStorage } from "../../emulators/storage/summary.ts";
import { filesBelow } from "./files.ts";
import { readFormat, refuseUnusable, UnusableState } from "./format.ts";

/** What a state directory holds. `--json` prints it as it is. */
export interface StateInfo {
  path: string;
  formatVersion: number;
  /** All files together. */
  sizeBytes: number;
  /** Whether a process has it; `server` is null while that starts, or if it is no server. */
  inUse: boolean;
  server: { apiUrl: string; pid: number } | null;
  documents: FirestoreSummary["documents"];
  /** By status. */
  runs: Record<string, number>;
  pubsub: PubsubSummary;
  storage: StorageSummary;
  /** By status. */
  builds: Record<string, number>;
}

/**
 * Looks at a state directory, in use or not, and changes nothing. While a server works on it each
 * service is seen at one instant, but not all four at the same.
 *
 * @throws {UnusableState} if there is none, or it is not of a version that is known here
 */
export function stateInfo(path: string): StateInfo {
  const formatVersion = requireState(path);
  const inUse = isInUse(path);
  const server = inUse ? readServerAddress(path) : undefined;
  const grouping = { collection: "runs", field: "status" };
  const { documents, byField } = summarizeFirestore(join(path, "firestore"), grouping);
  let sizeBytes = 0;
  for (const file of filesBelow(path)) sizeBytes += file.sizeBytes;
  return {
    path,
    formatVersion,
    sizeBytes,
    inUse,
    server: server === undefined ? null : { apiUrl: server.apiUrl, pid: server.pid },
    documents,
    runs: byField,
    pubsub: summarizePubsub(join(path, "pubsub")),
    storage: summarizeStorage(join(path, "storage")),
    builds: summarizeBuilds(join(path, "cloud-build")),
  };
}

/**
 * The version of the state at `path`. @throws {UnusableState} if there is none, or of a version not
 * known
 */
export function requireState(path: string): number {
  const format = readFormat(path);
  refuseUnusable(path, format);
  if (format.kind === "state") return format.version;
  throw new UnusableState(`there is no state in ${path}. Name its directory with --state DIR.`);
}

/** The same for a person. */
export function infoText(info: StateInfo): string {
  const { pubsub, storage } = info;
  const undelivered = Object.entries(pubsub.undelivered);
  const waiting = undelivered.reduce((sum, [, count]) => sum + count, 0);
  return [
    `State      ${info.path}`,
    `           format version ${info.formatVersion}, ${bytes(info.sizeBytes)}`,
    `Server     ${serverText(info)}`,
    `Documents  ${list(info.documents)}`,
    `Runs       ${list(info.runs)}`,
    `Pub/Sub    ${counted(pubsub.topics, "topic")}, ${counted(undelivered.length, "subscription")}, ${counted(waiting, "undelivered message")}`,
    ...undelivered
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `           ${count} on ${name}`),
    `Storage    ${counted(storage.objects, "object")} in ${counted(storage.buckets, "bucket")}, ${bytes(storage.sizeBytes)}`,
    `Builds     ${list(info.builds)}`,
  ].join("\n");
}

function serverText({ inUse, server }: StateInfo): string {
  if (server !== null) return `${server.apiUrl} (process ${server.pid})`;
  return inUse ? "another process has the directory; no server has started yet" : "none";
}

function list(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name || "(none)"} ${count}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
