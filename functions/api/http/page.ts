import { sha256 } from "../../../shared/hash.ts";
import type { Part, Position } from "../../services/page.ts";
import { invalid } from "./body.ts";
import type { Call } from "./call.ts";

const DEFAULT_PAGE_SIZE = 20;

/** The year 9999 ends here; Firestore knows no later instant. */
const MAX_RANK = Date.UTC(10_000, 0) - 1;

/** A list as its pages are made of it. */
interface PagedList<T> {
  read(part: Part): Promise<T[]>;
  /** What is read and not shown: a page may have less than was asked for. Default: nothing. */
  skips?(item: T): boolean;
  positionOf(item: T): Position;
  /** How an item is shown. */
  show(item: T): unknown;
}

/**
 * Answers a page of a list: `{items, nextPageToken}`. A token says where the page ended, so that
 * items which are added or erased meanwhile move nothing; it holds for its owner, list and filter
 * alone.
 *
 * @param query `pageSize`, `pageToken`, and the filter
 * @throws {AppError} invalid if the token is not one of this list
 */
export async function answerPage<T>(
  { request, response, owner }: Call,
  query: { pageSize?: number; pageToken?: string },
  list: PagedList<T>,
): Promise<void> {
  const { pageSize = DEFAULT_PAGE_SIZE, pageToken, ...filter } = query;
  const listHash = sha256(JSON.stringify([owner, request.path, Object.entries(filter).sort()]));
  const after = pageToken === undefined ? undefined : readToken(pageToken, listHash);
  const { items, next } = await readPage(list, pageSize, after);
  response.json({
    items: items.map(list.show),
    ...(next !== undefined && { nextPageToken: writeToken(next, listHash) }),
  });
}

/** Reads for one page; what is skipped beyond them is for the next. */
const READS = 5;

async function readPage<T>(
  { read, skips = () => false, positionOf }: PagedList<T>,
  pageSize: number,
  begin: Position | undefined,
): Promise<{ items: T[]; next?: Position | undefined }> {
  const items: T[] = [];
  let after = begin;
  for (let reads = 0; reads < READS; reads += 1) {
    const found = await read({ limit: pageSize + 1, after });
    for (const item of found) {
      if (items.length === pageSize) return { items, next: after };
      after = positionOf(item);
      if (!skips(item)) items.push(item);
    }
    if (found.length <= pageSize) return { items };
  }
  return { items, next: after };
}

/** Characters that say which list a token is of; no secret: forged, it reads that list alone. */
const LIST_HASH_LENGTH = 16;

function writeToken({ rank, id }: Position, listHash: string): string {
  return Buffer.from(`${listHash.slice(0, LIST_HASH_LENGTH)} ${rank} ${id}`).toString("base64url");
}

function readToken(token: string, listHash: string): Position {
  const text = Buffer.from(token, "base64url").toString("latin1");
  const [, rank, id = ""] = /^\w+ (\d{1,15}) (\w{1,64})$/.exec(text) ?? [];
  const position = { rank: Number(rank), id };
  if (position.rank <= MAX_RANK && writeToken(position, listHash) === token) return position;
  const detail = "is no nextPageToken of this list with this filter; begin again without pageToken";
  throw invalid([{ pointer: "/pageToken", detail }]);
}
