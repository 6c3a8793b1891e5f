import { GoogleError } from "../../wire/status.ts";
import { parseInteger } from "../preconditions.ts";
import type { Reply, StorageRequest } from "../request.ts";
import { toObjectResource } from "../resources.ts";
import { requireBucket, type State, type StoredObject, toStoredObject } from "../state.ts";

const MAX_PAGE = 1000;

/** Parameters that change which objects are listed, and that the stand-in does not know. */
const UNKNOWN_FILTERS = ["matchGlob", "softDeleted", "includeTrailingDelimiter", "filter"];

interface Listing {
  items: StoredObject[];
  prefixes: string[];
  /** The last entry, if more follow it. */
  last?: string;
}

/**
 * `GET /b/{bucket}/o`: objects in the order of their names' UTF-8 bytes, at most 1000 a page. With
 * a `delimiter`, names that go on after one are rolled up into `prefixes`; a prefix counts as one
 * entry.
 *
 * Differs: `versions=true` lists live objects only, since there are no others.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/objects/list
 */
export function listObjects(state: State, request: StorageRequest): Reply {
  const bucket = request.parameters["bucket"] ?? "";
  for (const name of UNKNOWN_FILTERS) {
    if (request.query[name] !== undefined) {
      throw new GoogleError(
        "UNIMPLEMENTED",
        `the stand-in does not implement objects.list ${name}`,
      );
    }
  }
  requireBucket(state, bucket);
  const { items, prefixes, last } = collect(state, bucket, request.query);
  return {
    status: 200,
    json: {
      kind: "storage#objects",
      ...(last === undefined ? {} : { nextPageToken: encodeToken(last) }),
      ...(prefixes.length === 0 ? {} : { prefixes }),
      ...(items.length === 0
        ? {}
        : { items: items.map((item) => toObjectResource(item, request.baseUrl)) }),
    },
  };
}

function collect(state: State, bucket: string, query: Record<string, string>): Listing {
  const { prefix = "", startOffset = "" } = query;
  const limit = Math.min(parseInteger(query, "maxResults") || MAX_PAGE, MAX_PAGE);
  const after = decodeToken(query["pageToken"]);
  const listing: Listing = { items: [], prefixes: [] };
  let last = after ?? "";
  for (const row of rowsFrom(state, bucket, [prefix, startOffset, last])) {
    const name = String(row["name"]);
    if (isPast(name, query)) break;
    if (name === after || (isPrefix(last, query) && name.startsWith(last))) continue;
    if (listing.items.length + listing.prefixes.length === limit) return { ...listing, last };
    last = entryOf(name, query);
    if (last === name && !isPrefix(last, query)) listing.items.push(toStoredObject(row));
    else listing.prefixes.push(last);
  }
  return listing;
}

/** Whether neither `name` nor any name after it is asked for. */
function isPast(name: string, { prefix = "", endOffset = "" }: Record<string, string>): boolean {
  if (!name.startsWith(prefix)) return true;
  return endOffset !== "" && Buffer.compare(bytes(name), bytes(endOffset)) >= 0;
}

/**
 * What stands for `name` in the listing: its part up to the delimiter after `prefix`, or all of it.
 */
function entryOf(name: string, { prefix = "", delimiter = "" }: Record<string, string>): string {
  const cut = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
  return cut < 0 ? name : name.slice(0, cut + delimiter.length);
}

/** Whether an entry of the listing is one of its `prefixes`. */
function isPrefix(entry: string, query: Record<string, string>): boolean {
  const { prefix = "", delimiter = "" } = query;
  return delimiter !== "" && entry.length > prefix.length && entry.endsWith(delimiter);
}

/** Rows from the greatest of `starts` on. SQLite compares text as UTF-8 bytes, as Google does. */
function rowsFrom(state: State, bucket: string, starts: [string, string, string]) {
  return state.database
    .prepare("SELECT * FROM objects WHERE bucket = ? AND name >= max(?, ?, ?) ORDER BY name")
    .iterate(bucket, ...starts);
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

function encodeToken(last: string): string {
  return Buffer.from(last, "utf8").toString("base64url");
}

function decodeToken(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  const last = Buffer.from(token, "base64url").toString("utf8");
  if (encodeToken(last) !== token) {
    throw new GoogleError("INVALID_ARGUMENT", `Invalid page token: "${token}"`);
  }
  return last;
}
