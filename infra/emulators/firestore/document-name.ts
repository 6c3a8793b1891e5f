import { GoogleError } from "../wire/status.ts";

const ROOT = /^projects\/[^/]+\/databases\/[^/]+\/documents$/;
const ROOT_SEGMENTS = 5;
const MAX_ID_BYTES = 1500;
const MAX_NAME_BYTES = 6 * 1024;
const MAX_COLLECTION_DEPTH = 100;
/** Sorts below everything that a segment can hold after {@link nameKey} has escaped it. */
const SEPARATOR = "\u0001";
/** The first character after {@link SEPARATOR}: ends the range of everything below a prefix. */
const AFTER_SEPARATOR = "\u0002";

/** What a document's name says. */
export interface DocumentName {
  name: string;
  /** The whole path of its collection. */
  collection: string;
  /** The last part of `collection`. */
  collectionId: string;
  /** `projects/P/databases/D/documents` */
  root: string;
  id: string;
}

/** A numeric id, as Datastore has them. Clients use the smallest to say "before all others". */
const NUMERIC_ID = /^__id(-?\d{1,19})__$/;

/**
 * A name as text whose byte order is Firestore's order of names: segment by segment, numeric ids
 * first and by their number, then all others by their UTF-8 bytes.
 *
 * Differs: numeric ids are for comparing only; a document cannot be called `__id7__`, as if that
 * were reserved like every other `__id__`.
 */
export function nameKey(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  const escaped = /[\u0000-\u0002]/.test(name)
    ? name
        .replaceAll("\u0002", "\u0002\u0005")
        .replaceAll("\u0001", "\u0002\u0004")
        .replaceAll("\u0000", "\u0002\u0003")
    : name;
  const ordered = escaped.includes("/__id")
    ? escaped.split("/").map(numericIdsFirst).join("/")
    : escaped;
  return ordered.replaceAll("/", SEPARATOR);
}

/** A numeric id as what sorts before every escaped character; any other segment as it is. */
function numericIdsFirst(segment: string): string {
  const number = NUMERIC_ID.exec(segment)?.[1];
  if (number === undefined) return segment;
  const positive = BigInt(number) + 2n ** 63n;
  return `\u0002\u0002${positive.toString(16).padStart(16, "0")}`;
}

/** The keys of everything below the path: from `first` up to, not including, `after`. */
export function keysBelow(path: string): { first: string; after: string } {
  const key = nameKey(path);
  return { first: key + SEPARATOR, after: key + AFTER_SEPARATOR };
}

/** `projects/P/databases/D/documents` for `projects/P/databases/D`. */
export function rootOf(database: string | undefined): string {
  const root = `${database ?? ""}/documents`;
  if (!ROOT.test(root)) {
    throw invalid(`Resource name "${database ?? ""}" is not projects/{id}/databases/{id}.`);
  }
  return root;
}

/**
 * Takes a document's whole name apart.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is no document's name, or an id in it is not
 * allowed.
 */
export function parseDocumentName(name: string | undefined): DocumentName {
  const segments = segmentsOf(name ?? "");
  if (segments.length <= ROOT_SEGMENTS || segments.length % 2 === 0) {
    throw invalid(`Document name "${name ?? ""}" has an invalid number of segments.`);
  }
  const id = segments.at(-1) as string;
  return {
    name: name as string,
    collection: (name as string).slice(0, -id.length - 1),
    collectionId: segments.at(-2) as string,
    root: rootIn(segments),
    id,
  };
}

/**
 * Checks the parent of a collection: the root of a database, or a document.
 *
 * @returns The root it lies in.
 * @throws {GoogleError} INVALID_ARGUMENT if it is neither.
 */
export function parseParent(parent: string | undefined): string {
  const segments = segmentsOf(parent ?? "");
  if (segments.length % 2 === 0) {
    throw invalid(`Parent "${parent ?? ""}" is neither a database's root nor a document.`);
  }
  return rootIn(segments);
}

const rootIn = ([, project, , database]: string[]): string =>
  `projects/${project}/databases/${database}/documents`;

/** @throws {GoogleError} INVALID_ARGUMENT if it is no collection id. */
export function checkCollectionId(id: string): void {
  if (id.includes("/")) throw invalid(`Collection id "${id}" is invalid because it contains "/".`);
  checkId(id);
}

function segmentsOf(path: string): string[] {
  const segments = path.split("/");
  if (!beginsWithRoot(segments)) {
    throw invalid(
      `Resource name "${path}" does not begin with projects/{id}/databases/{id}/documents.`,
    );
  }
  if (path.length > MAX_NAME_BYTES / 4 && Buffer.byteLength(path) > MAX_NAME_BYTES) {
    throw invalid(`Document name is longer than ${MAX_NAME_BYTES} bytes.`);
  }
  if (segments.length > ROOT_SEGMENTS + 2 * MAX_COLLECTION_DEPTH) {
    throw invalid(`Document name has more than ${MAX_COLLECTION_DEPTH} collections.`);
  }
  for (let at = ROOT_SEGMENTS; at < segments.length; at += 1) checkId(segments[at] as string);
  return segments;
}

const beginsWithRoot = ([projects, project, databases, database, documents]: string[]): boolean =>
  projects === "projects" &&
  project !== "" &&
  databases === "databases" &&
  database !== "" &&
  documents === "documents";

function checkId(id: string): void {
  if (id === "") throw invalid("Resource id is invalid because it is empty.");
  if (id === "." || id === "..") {
    throw invalid(`Resource id "${id}" is invalid because it is "." or "..".`);
  }
  if (id.startsWith("__") && id.endsWith("__") && id.length >= 4) {
    throw invalid(`Resource id "${id}" is invalid because it is reserved.`);
  }
  if (id.length > MAX_ID_BYTES / 4 && Buffer.byteLength(id) > MAX_ID_BYTES) {
    throw invalid(`Resource id is longer than ${MAX_ID_BYTES} bytes.`);
  }
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}
