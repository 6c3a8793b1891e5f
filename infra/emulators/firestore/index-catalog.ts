import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { formatFieldPath, NAME_PATH, parseFieldPath } from "./field-path.ts";

/** How an index holds a field: its value in this direction, or each element of its array. */
export type IndexMode = "ASCENDING" | "DESCENDING" | "CONTAINS";

/** Whether an index serves one collection, or all with the same id. */
export type IndexScope = "COLLECTION" | "COLLECTION_GROUP";

/** One field of an index. */
export interface IndexField {
  /** The path's text. */
  path: string;
  mode: IndexMode;
}

/** An index over fields. The document's name always follows the last of them. */
export interface IndexDefinition {
  /** Says all of it; the key under which its entries are kept. */
  text: string;
  scope: IndexScope;
  /** Without any it is one of names alone. */
  fields: readonly IndexField[];
  /**
   * Whether equal values stand in descending order of names; as the last field goes unless said.
   */
  isNameDescending: boolean;
}

/** The single-field indexes of a field. */
type SingleFieldModes = Record<IndexScope, ReadonlySet<IndexMode>>;

/** Which indexes there are. */
export interface IndexCatalog {
  /** Whether a query without its index is refused, as Google does. */
  isEnforced: boolean;
  /** Composite indexes by collection id. */
  composites: ReadonlyMap<string, readonly IndexDefinition[]>;
  /** Settings by `collectionId/path`. */
  overrides: ReadonlyMap<string, SingleFieldModes>;
  /** Changes when the kept entries would. */
  fingerprint: string;
}

/** Google's `firestore.indexes.json`. */
interface IndexesFile {
  indexes?: { collectionGroup: string; queryScope?: string; fields: FileField[] }[];
  fieldOverrides?: { collectionGroup: string; fieldPath: string; indexes?: FileField[] }[];
}

interface FileField {
  fieldPath?: string;
  order?: string;
  arrayConfig?: string;
  queryScope?: string;
}

const EVERY_MODE: ReadonlySet<IndexMode> = new Set(["ASCENDING", "DESCENDING", "CONTAINS"]);
const NO_MODE: ReadonlySet<IndexMode> = new Set();
const DEFAULT_MODES: SingleFieldModes = { COLLECTION: EVERY_MODE, COLLECTION_GROUP: NO_MODE };

/** A stand-in's indexes without a file: every field of a collection, and every query allowed. */
export const DEFAULT_CATALOG: IndexCatalog = {
  isEnforced: false,
  composites: new Map(),
  overrides: new Map(),
  fingerprint: "default",
};

/**
 * Reads a `firestore.indexes.json`.
 *
 * @throws {Error} if the file cannot be read or is no JSON.
 * @see https://firebase.google.com/docs/reference/firestore/indexes
 */
export function readIndexCatalog(path: string): IndexCatalog {
  const file = JSON.parse(readFileSync(path, "utf8")) as IndexesFile;
  const composites = new Map<string, IndexDefinition[]>();
  for (const index of file.indexes ?? []) {
    const known = composites.get(index.collectionGroup) ?? [];
    composites.set(index.collectionGroup, [...known, toDefinition(index.queryScope, index.fields)]);
  }
  const overrides = new Map<string, SingleFieldModes>();
  for (const override of file.fieldOverrides ?? []) {
    // Differs: a time-to-live policy (`ttl`) deletes nothing here.
    const key = `${override.collectionGroup}/${override.fieldPath}`;
    overrides.set(key, toModes(override.indexes ?? []));
  }
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([file.indexes ?? [], file.fieldOverrides ?? []]))
    .digest("hex");
  return { isEnforced: true, composites, overrides, fingerprint };
}

function toDefinition(queryScope: string | undefined, fields: FileField[]): IndexDefinition {
  const scope = toScope(queryScope);
  const all = fields.map((field) => ({ path: field.fieldPath ?? "", mode: toMode(field) }));
  const name = all.find(({ path }) => path === NAME_PATH);
  return definition(
    scope,
    all.filter(({ path }) => path !== NAME_PATH),
    name && name.mode === "DESCENDING",
  );
}

/** The index over these fields, and names in the order of the last unless it is said. */
export function definition(
  scope: IndexScope,
  fields: IndexField[],
  nameDescending?: boolean,
): IndexDefinition {
  const asLast = fields.at(-1)?.mode === "DESCENDING";
  const isNameDescending = nameDescending ?? asLast;
  const parts = fields.map(({ path, mode }) => `${path} ${mode}`);
  if (isNameDescending !== asLast) {
    parts.push(`${NAME_PATH} ${isNameDescending ? "DESCENDING" : "ASCENDING"}`);
  }
  return { text: `${scope} ${parts.join(", ")}`, scope, fields, isNameDescending };
}

function toModes(fields: FileField[]): SingleFieldModes {
  const modes = { COLLECTION: new Set<IndexMode>(), COLLECTION_GROUP: new Set<IndexMode>() };
  for (const field of fields) modes[toScope(field.queryScope)].add(toMode(field));
  return modes;
}

function toScope(text: string | undefined): IndexScope {
  return text === "COLLECTION_GROUP" ? "COLLECTION_GROUP" : "COLLECTION";
}

function toMode(field: FileField): IndexMode {
  if (field.arrayConfig === "CONTAINS") return "CONTAINS";
  return field.order === "DESCENDING" ? "DESCENDING" : "ASCENDING";
}

/**
 * The single-field indexes of a field: its own setting, else that of the nearest map around it,
 * else that of the collection's `*`, else Google's default.
 */
export function singleFieldModes(
  catalog: IndexCatalog,
  collectionId: string,
  path: string,
): SingleFieldModes {
  if (catalog.overrides.size === 0) return DEFAULT_MODES;
  for (let names = parseFieldPath(path); names.length > 0; names = names.slice(0, -1)) {
    const modes = catalog.overrides.get(`${collectionId}/${formatFieldPath(names)}`);
    if (modes) return modes;
  }
  return catalog.overrides.get(`${collectionId}/*`) ?? DEFAULT_MODES;
}
