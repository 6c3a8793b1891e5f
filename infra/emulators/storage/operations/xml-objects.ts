import { GoogleError } from "../../wire/status.ts";
import { declaredChecksums } from "../digest.ts";
import { headerText, mediaReply, objectHeaders } from "../media.ts";
import {
  checkForRead,
  checkForWrite,
  parseHeaderPreconditions,
  parseInteger,
} from "../preconditions.ts";
import type { Reply, StorageRequest } from "../request.ts";
import { writableFields } from "../resources.ts";
import { authorize } from "../signed-url.ts";
import type { State, StoredObject } from "../state.ts";
import { checkUpload, storeObject, type UploadRequest } from "../store-object.ts";
import { openUpload } from "../upload.ts";
import { deleteObject, requireObject } from "./objects.ts";
import { continueUpload, deleteUpload } from "./resumable-upload.ts";

/** Headers of an upload that become fields of the object. */
const FIELD_HEADERS = {
  contentType: "content-type",
  contentEncoding: "content-encoding",
  contentDisposition: "content-disposition",
  contentLanguage: "content-language",
  cacheControl: "cache-control",
  storageClass: "x-goog-storage-class",
} as const;

/** `GET` or `HEAD /{bucket}/{object}` of the XML API, which signed URLs speak. */
export function xmlGetObject(state: State, request: StorageRequest): Reply {
  authorize(request, state.signingKeys, state.clock.now());
  const object = requestedObject(state, request);
  checkForRead(parseHeaderPreconditions(request.headers), object);
  const reply = mediaReply(state, object, request);
  const headers = { ...reply.headers, ...xmlHeaders(object), ...overrides(request.query) };
  return { ...reply, headers };
}

/** `PUT /{bucket}/{object}`: a whole object, or with `upload_id` more of a resumable upload. */
export async function xmlPutObject(state: State, request: StorageRequest): Promise<Reply> {
  // The session's id is its own credential.
  if (request.query["upload_id"] !== undefined) return continueUpload(state, request);
  authorize(request, state.signingKeys, state.clock.now());
  if (request.headers["x-goog-copy-source"] !== undefined) {
    throw new GoogleError("UNIMPLEMENTED", "the stand-in does not implement x-goog-copy-source");
  }
  const object = await storeObject(state, toUploadRequest(request), request.body);
  const described = Object.entries(objectHeaders(object)).filter(([name]) => /^x-goog-/.test(name));
  return { status: 200, headers: { ...Object.fromEntries(described), etag: xmlEtag(object) } };
}

/** `POST /{bucket}/{object}` with `x-goog-resumable: start`: 201 and the session's address. */
export async function xmlStartUpload(state: State, request: StorageRequest): Promise<Reply> {
  authorize(request, state.signingKeys, state.clock.now());
  if (request.headers["x-goog-resumable"] !== "start") {
    throw new GoogleError("UNIMPLEMENTED", "the stand-in implements POST only to start an upload");
  }
  const upload = toUploadRequest(request);
  checkUpload(state, upload);
  const id = openUpload(state, upload);
  const location = `${request.baseUrl}${request.path}?upload_id=${id}`;
  return { status: 201, headers: { location, "x-guploader-uploadid": id } };
}

/** `DELETE /{bucket}/{object}`, or with `upload_id` of a resumable upload. */
export async function xmlDeleteObject(state: State, request: StorageRequest): Promise<Reply> {
  if (request.query["upload_id"] !== undefined) return deleteUpload(state, request);
  authorize(request, state.signingKeys, state.clock.now());
  const object = requestedObject(state, request);
  checkForWrite(parseHeaderPreconditions(request.headers), object);
  return deleteObject(state, { ...request, query: {} });
}

function requestedObject(state: State, request: StorageRequest): StoredObject {
  const { bucket = "", object: name = "" } = request.parameters;
  return requireObject(state, {
    bucket,
    name,
    generation: parseInteger(request.query, "generation"),
  });
}

function toUploadRequest(request: StorageRequest): UploadRequest {
  const { headers } = request;
  const resource: Record<string, unknown> = {};
  for (const [field, header] of Object.entries(FIELD_HEADERS)) {
    const value = headers[header];
    if (value !== undefined) resource[field] = utf8Text(String(value));
  }
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith("x-goog-meta-"));
  if (metadata.length > 0) {
    resource["metadata"] = Object.fromEntries(
      metadata.map(([name, value]) => [name.slice("x-goog-meta-".length), utf8Text(String(value))]),
    );
  }
  return {
    bucket: request.parameters["bucket"] ?? "",
    name: request.parameters["object"] ?? "",
    fields: writableFields(resource),
    preconditions: parseHeaderPreconditions(headers),
    declared: declaredChecksums(headers),
    ...sizeLimits(headers["x-goog-content-length-range"]?.toString()),
  };
}

/** `x-goog-content-length-range: MIN,MAX`, in bytes. */
function sizeLimits(header: string | undefined): { minBytes?: number; maxBytes?: number } {
  if (header === undefined) return {};
  const [, minBytes, maxBytes] = /^\s*(\d{1,15})\s*,\s*(\d{1,15})\s*$/.exec(header) ?? [];
  if (minBytes === undefined) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `Invalid value for header x-goog-content-length-range: "${header}"`,
    );
  }
  return { minBytes: Number(minBytes), maxBytes: Number(maxBytes) };
}

function xmlHeaders(object: StoredObject): Record<string, string> {
  const headers: Record<string, string> = { etag: xmlEtag(object) };
  for (const [name, value] of Object.entries(object.fields.metadata ?? {})) {
    // The JSON API stores metadata that no header can carry; the XML API then leaves it out.
    if (/^[\w.-]+$/.test(name) && !/[^\t\P{Cc}]/u.test(value)) {
      headers[`x-goog-meta-${name.toLowerCase()}`] = headerText(value);
    }
  }
  return headers;
}

/**
 * The XML API's tag is the MD5 in hexadecimal; composite objects have none, so their CRC32C stands
 * in.
 */
function xmlEtag(object: StoredObject): string {
  const { md5Hash, crc32c } = object.fields;
  return `"${md5Hash === undefined ? `-${crc32c}` : Buffer.from(md5Hash, "base64").toString("hex")}"`;
}

/** `response-content-type` and `response-content-disposition` replace the stored ones. */
function overrides(query: Record<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ["content-type", "content-disposition"]) {
    const value = query[`response-${name}`];
    if (value !== undefined && !/\p{Cc}/u.test(value)) headers[name] = headerText(value);
  }
  return headers;
}

/** Node reads header bytes as Latin-1; Cloud Storage takes them for UTF-8. */
function utf8Text(header: string): string {
  return Buffer.from(header, "latin1").toString("utf8");
}
