import { inTransaction } from "../../wire/database.ts";
import { GoogleError } from "../../wire/status.ts";
import { checkForRead, checkForWrite, parseInteger, parsePreconditions } from "../preconditions.ts";
import type { Reply, StorageRequest } from "../request.ts";
import { readJson } from "../request.ts";
import { etagOf, isRecord } from "../resources.ts";
import { requireBucket, type State, timestamp } from "../state.ts";

interface BucketRow {
  name: string;
  metageneration: number;
  fields: Record<string, unknown>;
}

/** Fields that the service sets; a client's values for them are ignored. */
const OUTPUT_ONLY = new Set([
  ..."kind id selfLink name projectNumber metageneration etag timeCreated updated".split(" "),
]);

const MAX_PAGE = 1000;

/**
 * `POST /b?project=P`: makes a bucket. Differs: a bucket's settings are stored and shown, and none
 * has an effect.
 */
export async function insertBucket(state: State, request: StorageRequest): Promise<Reply> {
  const resource = await readJson(request);
  if (request.query["project"] === undefined) {
    throw new GoogleError("INVALID_ARGUMENT", "Required parameter: project");
  }
  if (typeof resource["name"] !== "string") {
    throw new GoogleError("INVALID_ARGUMENT", "Required");
  }
  const row = inTransaction(state.database, () =>
    createBucket(state, resource["name"] as string, resource),
  );
  return { status: 200, json: toBucketResource(row, request.baseUrl) };
}

/**
 * Makes a bucket. Call only inside a transaction.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for a name that Google refuses; ALREADY_EXISTS
 */
export function createBucket(
  state: State,
  name: string,
  resource: Record<string, unknown> = {},
): BucketRow {
  if (!/^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/.test(name)) {
    throw new GoogleError("INVALID_ARGUMENT", `Invalid bucket name: '${name}'`);
  }
  if (findBucket(state, name) !== undefined) {
    throw new GoogleError(
      "ALREADY_EXISTS",
      "Your previous request to create the named bucket succeeded and you already own it.",
    );
  }
  const now = timestamp(state);
  const defaults = { location: "US", locationType: "multi-region", storageClass: "STANDARD" };
  const fields = { ...patchBucketFields(defaults, resource), timeCreated: now, updated: now };
  const row = { name, metageneration: 1, fields };
  saveBucket(state, row);
  return row;
}

/** `GET /b/{bucket}` */
export function getBucket(state: State, request: StorageRequest): Reply {
  const row = requireRow(state, request);
  checkForRead(parsePreconditions(request.query), versionOf(row));
  return { status: 200, json: toBucketResource(row, request.baseUrl) };
}

/**
 * `GET /b?project=P`: buckets by name. Differs: all buckets are in one project, so `project`
 * selects nothing.
 */
export function listBuckets(state: State, request: StorageRequest): Reply {
  const prefix = request.query["prefix"] ?? "";
  const limit = Math.min(parseInteger(request.query, "maxResults") || MAX_PAGE, MAX_PAGE);
  const after = Buffer.from(request.query["pageToken"] ?? "", "base64url").toString();
  const names = state.database
    .prepare("SELECT name FROM buckets WHERE name > ? ORDER BY name")
    .all(after)
    .map((row) => String(row["name"]))
    .filter((name) => name.startsWith(prefix));
  const items = names.slice(0, limit).map((name) => {
    return toBucketResource(findBucket(state, name) as BucketRow, request.baseUrl);
  });
  const last = names.length > limit ? names[limit - 1] : undefined;
  const page = last === undefined ? {} : { nextPageToken: Buffer.from(last).toString("base64url") };
  return { status: 200, json: { kind: "storage#buckets", ...page, items } };
}

/** `PATCH /b/{bucket}`: null takes a setting away; objects such as `labels` are merged. */
export async function patchBucket(state: State, request: StorageRequest): Promise<Reply> {
  const patch = await readJson(request);
  const row = inTransaction(state.database, () => {
    const current = requireRow(state, request);
    checkForWrite(parsePreconditions(request.query), versionOf(current));
    const fields = { ...patchBucketFields(current.fields, patch), updated: timestamp(state) };
    const patched = { name: current.name, metageneration: current.metageneration + 1, fields };
    saveBucket(state, patched);
    return patched;
  });
  return { status: 200, json: toBucketResource(row, request.baseUrl) };
}

/** `DELETE /b/{bucket}` */
export function deleteBucket(state: State, request: StorageRequest): Reply {
  inTransaction(state.database, () => {
    const row = requireRow(state, request);
    checkForWrite(parsePreconditions(request.query), versionOf(row));
    const object = state.database.prepare("SELECT 1 FROM objects WHERE bucket = ?").get(row.name);
    if (object !== undefined) {
      throw new GoogleError("ALREADY_EXISTS", "The bucket you tried to delete is not empty.");
    }
    state.database.prepare("DELETE FROM buckets WHERE name = ?").run(row.name);
  });
  return { status: 204 };
}

function requireRow(state: State, request: StorageRequest): BucketRow {
  const name = request.parameters["bucket"] ?? "";
  requireBucket(state, name);
  return findBucket(state, name) as BucketRow;
}

function findBucket(state: State, name: string): BucketRow | undefined {
  const row = state.database.prepare("SELECT * FROM buckets WHERE name = ?").get(name);
  if (row === undefined) return undefined;
  return {
    name,
    metageneration: Number(row["metageneration"]),
    fields: JSON.parse(String(row["fields"])),
  };
}

function saveBucket(state: State, row: BucketRow): void {
  state.database
    .prepare("INSERT OR REPLACE INTO buckets (name, metageneration, fields) VALUES (?, ?, ?)")
    .run(row.name, row.metageneration, JSON.stringify(row.fields));
}

function patchBucketFields(
  current: Record<string, unknown>,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  const fields = new Map(Object.entries(current));
  for (const [name, value] of Object.entries(patch)) {
    const before = fields.get(name);
    if (OUTPUT_ONLY.has(name)) continue;
    if (value === null) fields.delete(name);
    else if (isRecord(value) && isRecord(before))
      fields.set(name, patchBucketFields(before, value));
    else if (isRecord(value)) fields.set(name, patchBucketFields({}, value));
    else fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

/** Buckets have no generation that a precondition could name. */
function versionOf(row: BucketRow): { generation: number; metageneration: number } {
  return { generation: 0, metageneration: row.metageneration };
}

function toBucketResource(row: BucketRow, baseUrl: string): object {
  return {
    kind: "storage#bucket",
    id: row.name,
    selfLink: `${baseUrl}/storage/v1/b/${row.name}`,
    name: row.name,
    // Differs: every project has the number 1.
    projectNumber: "1",
    ...row.fields,
    metageneration: String(row.metageneration),
    etag: etagOf(versionOf(row)),
  };
}
