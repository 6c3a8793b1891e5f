import { GoogleError } from "../wire/status.ts";
import {
  deleteBucket,
  getBucket,
  insertBucket,
  listBuckets,
  patchBucket,
} from "./operations/buckets.ts";
import { composeObject, copyObject, moveObject, rewriteObject } from "./operations/copies.ts";
import { insertObject } from "./operations/insert-object.ts";
import { listObjects } from "./operations/list-objects.ts";
import { deleteObject, getObject, patchObject, updateObject } from "./operations/objects.ts";
import { continueUpload, deleteUpload } from "./operations/resumable-upload.ts";
import {
  xmlDeleteObject,
  xmlGetObject,
  xmlPutObject,
  xmlStartUpload,
} from "./operations/xml-objects.ts";
import { decodePercent, type Operation } from "./request.ts";
import type { State } from "./state.ts";

/** The three families of addresses: JSON API, its uploads, and the XML API. */
export type Surface = "api" | "upload" | "xml";

const API = "/b/{bucket}/o/{object}";

/**
 * `SURFACE METHOD PATTERN` and its operation; the first that fits is taken.
 *
 * Differs: access control, IAM, notifications, HMAC keys, folders, CORS, batch requests and form uploads are
 * not there, and answer so by name.
 */
const ROUTES: [string, Operation<State>][] = [
  ["api GET /b", listBuckets],
  ["api POST /b", insertBucket],
  ["api GET /b/{bucket}", getBucket],
  ["api PATCH /b/{bucket}", patchBucket],
  ["api DELETE /b/{bucket}", deleteBucket],
  ["api GET /b/{bucket}/o", listObjects],
  [`api POST ${API}/copyTo/b/{toBucket}/o/{toObject}`, copyObject],
  [`api POST ${API}/rewriteTo/b/{toBucket}/o/{toObject}`, rewriteObject],
  [`api POST ${API}/moveTo/o/{toObject}`, moveObject],
  [`api POST ${API}/compose`, composeObject],
  [`api GET ${API}`, getObject],
  [`api PATCH ${API}`, patchObject],
  [`api PUT ${API}`, updateObject],
  [`api DELETE ${API}`, deleteObject],
  ["upload POST /b/{bucket}/o", insertObject],
  ["upload PUT /b/{bucket}/o", continueUpload],
  ["upload DELETE /b/{bucket}/o", deleteUpload],
  ["xml GET /{bucket}/{object}", xmlGetObject],
  ["xml HEAD /{bucket}/{object}", xmlGetObject],
  ["xml PUT /{bucket}/{object}", xmlPutObject],
  ["xml POST /{bucket}/{object}", xmlStartUpload],
  ["xml DELETE /{bucket}/{object}", xmlDeleteObject],
];

const COMPILED = ROUTES.map(([route, operation]) => {
  const [surface, method, pattern = ""] = route.split(" ");
  // An object's name is the rest of the path, so that literal slashes work as well as %2F.
  const source = pattern
    .replace(/\{((?:to)?[Oo]bject)\}/g, "(?<$1>.+)")
    .replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { surface, method, operation, regExp: new RegExp(`^${source}$`, "s") };
});

/**
 * Which family of addresses a path belongs to, and the path within it.
 *
 * The JSON API answers below `/storage/v1` and, for clients that are pointed here by
 * `STORAGE_EMULATOR_HOST`, without that prefix.
 *
 * Differs: Google tells the APIs apart by host as well. Here the XML API cannot reach what lies under
 * `/storage/v1/b`, `/upload/storage/v1/b` or `/download/storage/v1/b`. (No bucket is called `b`: a bucket's
 * name has at least three characters.)
 */
export function surfaceOf(path: string): { surface: Surface; rest: string } {
  const [, upload, prefixed] =
    /^\/(?:(upload|resumable\/upload|download)\/)?storage\/v1(\/b(?:\/.*)?)$/s.exec(path) ?? [];
  if (prefixed !== undefined) {
    const isUpload = upload !== undefined && upload !== "download";
    return { surface: isUpload ? "upload" : "api", rest: prefixed };
  }
  return { surface: path === "/b" || path.startsWith("/b/") ? "api" : "xml", rest: path };
}

/**
 * The operation for a request, and the decoded parameters of its path.
 *
 * @throws {GoogleError} UNIMPLEMENTED, naming what is not there; INVALID_ARGUMENT for a path that is not
 * percent-encoded UTF-8
 */
export function findRoute(
  surface: Surface,
  method: string,
  path: string,
): { operation: Operation<State>; parameters: Record<string, string> } {
  for (const route of COMPILED) {
    const match = route.surface === surface && route.method === method && route.regExp.exec(path);
    if (!match) continue;
    const groups = Object.entries(match.groups ?? {});
    const parameters = groups.map(([name, value]) => [name, decodePercent(value)]);
    return { operation: route.operation, parameters: Object.fromEntries(parameters) };
  }
  throw new GoogleError("UNIMPLEMENTED", `the stand-in does not implement ${method} ${path}`);
}
