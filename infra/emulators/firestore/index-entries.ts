import { GoogleError } from "../wire/status.ts";
import { fieldsOf, orderKeyAt, type StoredDocument } from "./document.ts";
import { formatFieldPath, parseFieldPath, valueAt } from "./field-path.ts";
import {
  definition,
  type IndexCatalog,
  type IndexDefinition,
  type IndexField,
  type IndexScope,
  singleFieldModes,
} from "./index-catalog.ts";
import type { Fields, Value } from "./messages.ts";
import { indexedKey, isVector, nameOrderKey, orderKey, stringOrderKey } from "./order-key.ts";

const MAX_ENTRIES = 40_000;
const SCOPES = ["COLLECTION", "COLLECTION_GROUP"] as const;

/** One line of an index. */
export interface IndexEntry {
  scope: IndexScope;
  /** {@link IndexDefinition.text} */
  index: string;
  key: Buffer;
}

/**
 * All index entries of a document.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if there are too many.
 */
export function entriesOf(document: StoredDocument, catalog: IndexCatalog): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const build: EntryBuild = { document, catalog, entries };
  addFields(build, fieldsOf(document), []);
  for (const index of catalog.composites.get(document.name.collectionId) ?? []) {
    addComposite(build, index);
  }
  if (entries.length > MAX_ENTRIES) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `too many index entries for entity ${document.name.name}: ${entries.length}, the maximum is ${MAX_ENTRIES}`,
    );
  }
  return entries;
}

interface EntryBuild {
  document: StoredDocument;
  catalog: IndexCatalog;
  entries: IndexEntry[];
}

function addFields(build: EntryBuild, fields: Fields, within: readonly string[]): void {
  for (const name of Object.keys(fields)) {
    const value = fields[name] as Value;
    const path = [...within, name];
    addSingleField(build, formatFieldPath(path), value);
    const inner = value.mapValue?.fields;
    if (inner && !isVector(inner)) addFields(build, inner, path);
  }
}

function addSingleField(build: EntryBuild, path: string, value: Value): void {
  const modes = singleFieldModes(build.catalog, build.document.name.collectionId, path);
  for (const scope of SCOPES) {
    const wanted = modes[scope];
    // One copy serves both directions: it can be read from either end.
    if (wanted.has("ASCENDING") || wanted.has("DESCENDING")) {
      const key = orderKeyAt(build.document, path) as Buffer;
      addEntry(build, singleFieldIndex(scope, path, "ASCENDING"), [key]);
    }
    if (value.arrayValue && wanted.has("CONTAINS")) {
      const index = singleFieldIndex(scope, path, "CONTAINS");
      for (const key of elementKeys(value)) addEntry(build, index, [key]);
    }
  }
}

const singleFieldIndexes = new Map<string, IndexDefinition>();

/** The automatic index of one field. */
export function singleFieldIndex(
  scope: IndexScope,
  path: string,
  mode: "ASCENDING" | "CONTAINS",
): IndexDefinition {
  const text = `${scope} ${path} ${mode}`;
  const known = singleFieldIndexes.get(text);
  if (known) return known;
  if (singleFieldIndexes.size > 50_000) singleFieldIndexes.clear();
  const index = definition(scope, [{ path, mode }]);
  singleFieldIndexes.set(text, index);
  return index;
}

function addComposite(build: EntryBuild, index: IndexDefinition): void {
  let rows: Buffer[][] = [[]];
  for (const field of index.fields) {
    const keys = fieldKeys(build.document, field);
    rows = rows.flatMap((row) => keys.map((key) => [...row, key]));
  }
  for (const row of rows) addEntry(build, index, row);
}

/**
 * The keys with which the document stands in an index on the field: none, one, or one an element.
 */
function fieldKeys(document: StoredDocument, field: IndexField): Buffer[] {
  if (field.mode === "CONTAINS") {
    const value = valueAt(fieldsOf(document), parseFieldPath(field.path));
    return value ? elementKeys(value) : [];
  }
  const key = orderKeyAt(document, field.path);
  return key ? [key] : [];
}

/** The different elements of an array; none of what is no array. */
function elementKeys(value: Value): Buffer[] {
  const keys = new Map<string, Buffer>();
  for (const element of value.arrayValue?.values ?? []) {
    const key = orderKey(element);
    keys.set(key.toString("latin1"), key);
  }
  return [...keys.values()];
}

function addEntry(build: EntryBuild, index: IndexDefinition, keys: Buffer[]): void {
  const parts = keys.map((key, at) => component(key, index.fields[at] as IndexField));
  parts.push(nameComponent(index, build.document));
  build.entries.push({ scope: index.scope, index: index.text, key: Buffer.concat(parts) });
}

/** A value's part of an entry: cut where Google cuts it, its bits turned where the order is. */
export function component(key: Buffer, field: IndexField): Buffer {
  const cut = indexedKey(key);
  return field.mode === "DESCENDING" ? inverted(cut) : cut;
}

function nameComponent(index: IndexDefinition, document: StoredDocument): Buffer {
  const key = nameComponentKey(index.scope, document.name);
  return index.isNameDescending ? inverted(key) : key;
}

/**
 * The name's part of an entry, before its bits are turned: within one collection the id is enough.
 */
function nameComponentKey(scope: IndexScope, name: { name: string; id: string }): Buffer {
  return scope === "COLLECTION" ? stringOrderKey(name.id) : nameOrderKey(name.name);
}

/** Each bit turned, so that the order turns as well. */
export function inverted(key: Buffer): Buffer {
  const turned = Buffer.allocUnsafe(key.length);
  for (let index = 0; index < key.length; index++) turned[index] = ~(key[index] as number) & 0xff;
  return turned;
}
