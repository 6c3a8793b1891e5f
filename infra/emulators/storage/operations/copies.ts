import { closeSync, createReadStream, openSync } from "node:fs";
import { GoogleError } from "../../wire/status.ts";
import { type StoredContent, withContent } from "../content.ts";
import {
  checkForWrite,
  type Preconditions,
  parseInteger,
  parsePreconditions,
} from "../preconditions.ts";
import { type Reply, readJson, type StorageRequest } from "../request.ts";
import { checkObjectName, isRecord, toObjectResource, writableFields } from "../resources.ts";
import {
  commitObject,
  contentPath,
  type NewObject,
  requireBucket,
  type State,
  type StoredObject,
} from "../state.ts";
import { deleteObject, requireObject } from "./objects.ts";

/** The most objects that one compose takes. */
const MAX_COMPONENTS = 32;

/** `POST /b/{bucket}/o/{object}/copyTo/b/{toBucket}/o/{toObject}` */
export async function copyObject(state: State, request: StorageRequest): Promise<Reply> {
  const copied = await copy(state, request);
  return { status: 200, json: toObjectResource(copied, request.baseUrl) };
}

/**
 * `POST /b/{bucket}/o/{object}/rewriteTo/b/{toBucket}/o/{toObject}`
 *
 * Differs: one call rewrites any object, so no reply ever carries a `rewriteToken`.
 */
export async function rewriteObject(state: State, request: StorageRequest): Promise<Reply> {
  const copied = await copy(state, request);
  const size = String(copied.sizeBytes);
  const resource = toObjectResource(copied, request.baseUrl);
  const progress = { totalBytesRewritten: size, objectSize: size, done: true };
  return { status: 200, json: { kind: "storage#rewriteResponse", ...progress, resource } };
}

/** `POST /b/{bucket}/o/{object}/moveTo/o/{toObject}`, in one commit. */
export async function moveObject(state: State, request: StorageRequest): Promise<Reply> {
  const { bucket = "", object = "", toObject = "" } = request.parameters;
  if (object === toObject) {
    throw new GoogleError("INVALID_ARGUMENT", "Source and destination objects must be different.");
  }
  const parameters = { ...request.parameters, toBucket: bucket };
  const moved = await copy(state, { ...request, parameters }, { movedFrom: object });
  return { status: 200, json: toObjectResource(moved, request.baseUrl) };
}

/**
 * The copy shares its source's content file; a resource in the body replaces the source's metadata.
 */
async function copy(
  state: State,
  request: StorageRequest,
  move: Pick<NewObject, "movedFrom"> = {},
): Promise<StoredObject> {
  const { bucket = "", object = "", toBucket = "", toObject = "" } = request.parameters;
  const resource = await readJson(request);
  const source = requireObject(state, {
    bucket,
    name: object,
    generation: parseInteger(request.query, "sourceGeneration"),
  });
  checkForWrite(parsePreconditions(request.query, "Source"), source);
  checkObjectName(toObject);
  const { crc32c, md5Hash, componentCount, contentType } = source.fields;
  const kept = {
    crc32c,
    ...(md5Hash === undefined ? {} : { md5Hash }),
    ...(componentCount === undefined ? {} : { componentCount }),
  };
  const typed = contentType === undefined ? {} : { contentType };
  const isReplaced = Object.keys(resource).length > 0;
  const fields = isReplaced ? { ...typed, ...writableFields(resource), ...kept } : source.fields;
  const { content, sizeBytes } = source;
  const draft = { bucket: toBucket, name: toObject, content, sizeBytes, fields, ...move };
  return commitObject(state, draft, parsePreconditions(request.query));
}

interface Component {
  name: string;
  generation: number | undefined;
  conditions: Preconditions;
}

/**
 * `POST /b/{bucket}/o/{object}/compose`: joins up to 32 objects of the bucket. The result has a
 * CRC32C and a `componentCount`, but no MD5.
 *
 * @see https://cloud.google.com/storage/docs/composite-objects
 */
export async function composeObject(state: State, request: StorageRequest): Promise<Reply> {
  const { bucket = "", object: name = "" } = request.parameters;
  const body = await readJson(request);
  const components = parseComponents(body["sourceObjects"]);
  const fields = writableFields(isRecord(body["destination"]) ? body["destination"] : {});
  const preconditions = parsePreconditions(request.query);
  requireBucket(state, bucket);
  checkObjectName(name);
  const sources = components.map((component) => {
    const source = requireObject(state, { bucket, ...component });
    checkForWrite(component.conditions, source);
    return source;
  });
  const componentCount = sources.reduce((sum, each) => sum + (each.fields.componentCount ?? 1), 0);
  const composed = await join(state, sources, ({ content, sizeBytes, checksums }) => {
    const all = { ...fields, crc32c: checksums.crc32c, componentCount };
    return commitObject(state, { bucket, name, content, sizeBytes, fields: all }, preconditions);
  });
  if (body["deleteSourceObjects"] === true) {
    for (const { name: object } of sources) {
      if (object !== name) {
        deleteObject(state, { ...request, query: {}, parameters: { bucket, object } });
      }
    }
  }
  return { status: 200, json: toObjectResource(composed, request.baseUrl) };
}

function parseComponents(value: unknown): Component[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new GoogleError("INVALID_ARGUMENT", "You must provide at least one source component.");
  }
  if (value.length > MAX_COMPONENTS) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `The number of source components provided (${value.length}) exceeds the maximum (${MAX_COMPONENTS})`,
    );
  }
  return value.map(parseComponent);
}

function parseComponent(value: unknown): Component {
  const { name, generation, objectPreconditions } = isRecord(value) ? value : {};
  if (typeof name !== "string") {
    throw new GoogleError("INVALID_ARGUMENT", "Source object name is required.");
  }
  const condition = isRecord(objectPreconditions)
    ? objectPreconditions["ifGenerationMatch"]
    : undefined;
  return {
    name,
    generation: parseInteger(toText({ generation }), "generation"),
    conditions: parsePreconditions(toText({ ifGenerationMatch: condition })),
  };
}

/** JSON gives int64 as a string or a number; query parameters are strings. */
function toText(values: Record<string, unknown>): Record<string, string> {
  const texts = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]));
}

/**
 * Opens all sources at once: another request that supersedes one of them does not disturb the
 * reader.
 */
async function join<T>(
  state: State,
  sources: StoredObject[],
  use: (stored: StoredContent) => T,
): Promise<T> {
  const descriptors = sources.map(({ content }) => openSync(contentPath(state, content), "r"));
  try {
    return await withContent(state, joined(descriptors), use);
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

async function* joined(descriptors: number[]): AsyncGenerator<Buffer> {
  for (const fd of descriptors) yield* createReadStream("", { fd, autoClose: false, start: 0 });
}
