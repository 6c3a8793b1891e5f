import { inTransaction } from "../../wire/database.ts";
import { StorageError } from "../errors.ts";
import { mediaReply } from "../media.ts";
import { checkForRead, checkForWrite, parseInteger, parsePreconditions } from "../preconditions.ts";
import { type Reply, readJson, type StorageRequest } from "../request.ts";
import { patchFields, toObjectResource, writableFields } from "../resources.ts";
import {
  findObject,
  type ObjectFields,
  removeObject,
  removeUnreferenced,
  requireBucket,
  type State,
  type StoredObject,
  saveObject,
  timestamp,
} from "../state.ts";

/** `GET /b/{bucket}/o/{object}`: the resource, or with `alt=media` the content. */
export function getObject(state: State, request: StorageRequest): Reply {
  const object = requestedObject(state, request);
  checkForRead(parsePreconditions(request.query), object);
  if (request.query["alt"] === "media") return mediaReply(state, object, request);
  // Differs: `fields` is ignored here and everywhere; the whole resource is the answer.
  return { status: 200, json: toObjectResource(object, request.baseUrl) };
}

/** `PATCH /b/{bucket}/o/{object}`: null takes a field away, `metadata` is merged key by key. */
export async function patchObject(state: State, request: StorageRequest): Promise<Reply> {
  const patch = await readJson(request);
  return changeObject(state, request, (fields) => patchFields(fields, patch));
}

/** `PUT /b/{bucket}/o/{object}`: what the resource does not name is taken away. */
export async function updateObject(state: State, request: StorageRequest): Promise<Reply> {
  const fields = writableFields(await readJson(request));
  return changeObject(state, request, (current) => {
    const { crc32c, md5Hash, componentCount, timeCreated, updated, storageClass } = current;
    return {
      ...(storageClass === undefined ? {} : { storageClass }),
      ...fields,
      crc32c,
      ...(md5Hash === undefined ? {} : { md5Hash }),
      ...(componentCount === undefined ? {} : { componentCount }),
      timeCreated,
      updated,
    };
  });
}

function changeObject(
  state: State,
  request: StorageRequest,
  change: (fields: ObjectFields) => ObjectFields,
): Reply {
  const changed = inTransaction(state.database, () => {
    const object = requestedObject(state, request);
    checkForWrite(parsePreconditions(request.query), object);
    const fields = { ...change(object.fields), updated: timestamp(state) };
    const next = { ...object, metageneration: object.metageneration + 1, fields };
    saveObject(state, next);
    return next;
  });
  return { status: 200, json: toObjectResource(changed, request.baseUrl) };
}

/** `DELETE /b/{bucket}/o/{object}` */
export function deleteObject(state: State, request: StorageRequest): Reply {
  const object = inTransaction(state.database, () => {
    const current = requestedObject(state, request);
    checkForWrite(parsePreconditions(request.query), current);
    removeObject(state, current.bucket, current.name);
    return current;
  });
  removeUnreferenced(state, object.content);
  return { status: 204 };
}

function requestedObject(state: State, request: StorageRequest): StoredObject {
  const { bucket = "", object = "" } = request.parameters;
  return requireObject(state, {
    bucket,
    name: object,
    generation: parseInteger(request.query, "generation"),
  });
}

/**
 * The live object of that name and, if one is named, of that generation.
 *
 * Differs: buckets have no versioning and no soft delete, so a superseded generation is gone.
 *
 * @throws {StorageError} noSuchBucket, noSuchObject
 */
export function requireObject(
  state: State,
  wanted: { bucket: string; name: string; generation?: number | undefined },
): StoredObject {
  requireBucket(state, wanted.bucket);
  const object = findObject(state, wanted.bucket, wanted.name);
  const { generation = object?.generation } = wanted;
  if (object === undefined || object.generation !== generation) {
    const suffix = wanted.generation === undefined ? "" : `#${wanted.generation}`;
    throw new StorageError(
      "noSuchObject",
      `No such object: ${wanted.bucket}/${wanted.name}${suffix}`,
    );
  }
  return object;
}
