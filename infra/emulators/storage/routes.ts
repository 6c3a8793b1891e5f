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

/** What answers a request: the operation, its method, and the decoded parameters of the path. */
export interface Route {
  /** Google's name of it, without the `storage.` before. */
  method: string;
  operation: Operation<State>;
  parameters: Record<string, string>;
}

/** Finds the route of a request by surface, HTTP method and path; see {@link findRoute}. */
export type Router = typeof findRoute;

/**
 * `SURFACE METHOD PATTERN`, the method and its operation; the first that fits is taken. All
 * requests that bring an object's content are `objects.insert`, whichever API and however many
 * there are.
 *
 * Differs: parts of the API are missing and answer so by name: access control, IAM, notifications,
 * HMAC keys, folders, CORS, batch requests and form uploads.
 */
const ROUTES: [string, string, Operation<State>][] = [
  ["api GET /b", "buckets.list", listBuckets],
  ["api POST /b", "buckets.insert", insertBucket],
  ["api GET /b/{bucket}", "buckets.get", getBucket],
  ["api PATCH /b/{bucket}", "buckets.patch", patchBucket],
  ["api DELETE /b/{bucket}", "buckets.delete", deleteBucket],
  ["api GET /b/{bucket}/o", "objects.list", listObjects],
  [`api POST ${API}/copyTo/b/{toBucket}/o/{toObject}`, "objects.copy", copyObject],
  [`api POST ${API}/rewriteTo/b/{toBucket}/o/{toObject}`, "objects.rewrite", rewriteObject],
  [`api POST ${API}/moveTo/o/{toObject}`, "objects.move", moveObject],
  [`api POST ${API}/compose`, "objects.compose", composeObject],
  [`api GET ${API}`, "objects.get", getObject],
  [`api PATCH ${API}`, "objects.patch", patchObject],
  [`api PUT ${API}`, "objects.update", updateObject],
  [`api DELETE ${API}`, "objects.delete", deleteObject],
  ["upload POST /b/{bucket}/o", "objects.insert", insertObject],
  ["upload PUT /b/{bucket}/o", "objects.insert", continueUpload],
  ["upload DELETE /b/{bucket}/o", "objects.cancelUpload", deleteUpload],
  ["xml GET /{bucket}/{object}", "objects.get", xmlGetObject],
  ["xml HEAD /{bucket}/{object}", "objects.get", xmlGetObject],
  ["xml PUT /{bucket}/{object}", "objects.insert", xmlPutObject],
  ["xml POST /{bucket}/{object}", "objects.insert", xmlStartUpload],
  ["xml DELETE /{bucket}/{object}", "objects.delete", xmlDeleteObject],
];

/**
 * Google's names of the methods that are there, without the `storage.` before; some more than once.
 */
export const STORAGE_METHODS = ROUTES.map(([, method]) => method);

const COMPILED = ROUTES.map(([route, name, operation]) => {
  const [surface, method, pattern = ""] = route.split(" ");
  // Differs: Google wants the slashes of an object's name as %2F; here literal ones work as well,
  // since the name is the rest of the path.
  const source = pattern
    .replace(/\{((?:to)?[Oo]bject)\}/g, "(?<$1>.+)")
    .replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { surface, method, name, operation, regExp: new RegExp(`^${source}$`, "s") };
});

/** What would otherwise be taken for an object whose name ends so. */
const ACCESS = /^\/b\/[^/]+\/o\/.+\/(?:acl|iam)(?:\/[^/]+)?$/;

/**
 * Which family of addresses a path belongs to, and the path within it.
 *
 * The JSON API answers below `/storage/v1` and, for clients that are pointed here by
 * `STORAGE_EMULATOR_HOST`, without that prefix.
 *
 * As at `storage.googleapis.com`, which serves both, the XML API cannot reach what lies under
 * `/storage/v1`, `/upload/storage/v1` or `/download/storage/v1`. No bucket is called `b`: a
 * bucket's name has at least three characters.
 */
export function surfaceOf(path: string): { surface: Surface; rest: string } {
  const [, upload, prefixed] =
    /^\/(?:(upload|resumable\/upload|download)\/)?storage\/v1(\/.*)$/s.exec(path) ?? [];
  if (prefixed !== undefined) {
    const isUpload = upload !== undefined && upload !== "download";
    return { surface: isUpload ? "upload" : "api", rest: prefixed };
  }
  const isApi = /^\/b(?:\/|$)|^\/batch\/storage\/v1$/.test(path);
  return { surface: isApi ? "api" : "xml", rest: path };
}

/**
 * The operation for a request, and the decoded parameters of its path.
 *
 * @throws {GoogleError} UNIMPLEMENTED, naming what is not there; INVALID_ARGUMENT for a path that
 * is not percent-encoded UTF-8
 */
export function findRoute(surface: Surface, method: string, path: string): Route {
  for (const route of ACCESS.test(path) ? [] : COMPILED) {
    const match = route.surface === surface && route.method === method && route.regExp.exec(path);
    if (!match) continue;
    const groups = Object.entries(match.groups ?? {});
    const parameters = groups.map(([name, value]) => [name, decodePercent(value)]);
    const { name, operation } = route;
    return { method: name, operation, parameters: Object.fromEntries(parameters) };
  }
  throw new GoogleError("UNIMPLEMENTED", `the stand-in does not implement ${method} ${path}`);
}
