import { GoogleError } from "../../wire/status.ts";
import { declaredChecksums } from "../digest.ts";
import { boundaryOf, parseMultipart } from "../multipart.ts";
import { parsePreconditions } from "../preconditions.ts";
import { type Reply, readJson, type StorageRequest } from "../request.ts";
import { parseJsonObject, toObjectResource, writableFields } from "../resources.ts";
import type { State, StoredObject } from "../state.ts";
import { checkUpload, storeObject, type UploadRequest } from "../store-object.ts";
import { openUpload } from "../upload.ts";

/** `POST /upload/…/b/{bucket}/o`: starts one of the three kinds of upload, by `uploadType`. */
export async function insertObject(state: State, request: StorageRequest): Promise<Reply> {
  switch (request.query["uploadType"]) {
    case "media":
      return insertMedia(state, request);
    case "multipart":
      return insertMultipart(state, request);
    case "resumable":
      return startResumable(state, request);
    default:
      throw new GoogleError(
        "INVALID_ARGUMENT",
        `Invalid value for uploadType: "${request.query["uploadType"] ?? ""}"`,
      );
  }
}

async function insertMedia(state: State, request: StorageRequest): Promise<Reply> {
  const contentType = request.headers["content-type"];
  const upload = toUploadRequest(request, contentType === undefined ? {} : { contentType });
  return reply(request, await storeObject(state, upload, request.body));
}

async function insertMultipart(state: State, request: StorageRequest): Promise<Reply> {
  const boundary = boundaryOf(request.headers["content-type"]);
  const { metadata, mediaType, media } = await parseMultipart(request.body, boundary);
  const typed = mediaType === undefined ? {} : { contentType: mediaType };
  const upload = toUploadRequest(request, { ...typed, ...parseJsonObject(metadata) });
  return reply(request, await storeObject(state, upload, media));
}

async function startResumable(state: State, request: StorageRequest): Promise<Reply> {
  const contentType = request.headers["x-upload-content-type"]?.toString();
  const typed = contentType === undefined ? {} : { contentType };
  const upload = toUploadRequest(request, { ...typed, ...(await readJson(request)) });
  checkUpload(state, upload);
  const id = openUpload(state, upload);
  const { bucket, name } = upload;
  const query = `uploadType=resumable&name=${encodeURIComponent(name)}&upload_id=${id}`;
  const location = `${request.baseUrl}/upload/storage/v1/b/${bucket}/o?${query}`;
  return { status: 200, headers: { location, "x-guploader-uploadid": id } };
}

/** Reads the request's part of an upload: parameters, headers, and the resource in the body. */
function toUploadRequest(
  request: StorageRequest,
  resource: Record<string, unknown>,
): UploadRequest {
  const declared = declaredChecksums(request.headers);
  if (typeof resource["crc32c"] === "string") declared.crc32c = resource["crc32c"];
  if (typeof resource["md5Hash"] === "string") declared.md5Hash = resource["md5Hash"];
  const name = request.query["name"] ?? resource["name"] ?? "";
  if (typeof name !== "string") throw new GoogleError("INVALID_ARGUMENT", "Invalid value for name");
  const { contentEncoding } = request.query;
  return {
    bucket: request.parameters["bucket"] ?? "",
    name,
    fields: writableFields(contentEncoding ? { ...resource, contentEncoding } : resource),
    preconditions: parsePreconditions(request.query),
    declared,
  };
}

function reply(request: StorageRequest, object: StoredObject): Reply {
  return { status: 200, json: toObjectResource(object, request.baseUrl) };
}
