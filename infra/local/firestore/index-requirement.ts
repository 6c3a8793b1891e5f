import { GoogleError } from "../wire/status.ts";
import { NAME_PATH } from "./field-path.ts";
import {
  type IndexCatalog,
  type IndexField,
  type IndexMode,
  type IndexScope,
  singleFieldModes,
} from "./index-catalog.ts";
import type { Order, Query } from "./query.ts";
import type { Comparison } from "./query-filter.ts";

/** What one disjunct of a query needs from the indexes. */
interface Requirement {
  scope: IndexScope;
  collectionId: string;
  root: string;
  /** Fields of equalities and array filters; each must be in an index. */
  prefix: IndexField[];
  /** Fields of the order, which an index must end with. */
  suffix: IndexField[];
}

/**
 * Refuses a query that Google could not answer with the indexes there are. Only a catalog that was
 * read from a file is enforced.
 *
 * @throws {GoogleError} FAILED_PRECONDITION with the index to add.
 * @see https://cloud.google.com/firestore/docs/query-data/indexing
 */
export function checkIndex(catalog: IndexCatalog, query: Query): void {
  const { collectionId, allDescendants, root } = query.scope;
  if (!catalog.isEnforced || collectionId === undefined) return;
  const scope = allDescendants ? "COLLECTION_GROUP" : "COLLECTION";
  for (const disjunct of query.disjuncts) {
    const fields = requiredFields(disjunct, query.orders);
    checkRequirement(catalog, { scope, collectionId, root, ...fields });
  }
}

function requiredFields(
  disjunct: Comparison[],
  orders: Order[],
): { prefix: IndexField[]; suffix: IndexField[] } {
  const prefix = new Map<string, IndexField>();
  for (const { path, op } of disjunct) {
    if (path === NAME_PATH || (op !== "EQUAL" && op !== "CONTAINS")) continue;
    const mode = op === "CONTAINS" ? "CONTAINS" : "ASCENDING";
    prefix.set(`${path} ${mode}`, { path, mode });
  }
  const suffix = orders
    .filter(({ path }) => path !== NAME_PATH && !prefix.has(`${path} ASCENDING`))
    .map(({ path, isDescending }): IndexField => {
      return { path, mode: isDescending ? "DESCENDING" : "ASCENDING" };
    });
  return { prefix: [...prefix.values()], suffix };
}

function checkRequirement(catalog: IndexCatalog, required: Requirement): void {
  const { prefix, suffix } = required;
  if (prefix.length + suffix.length === 0) return;
  const covered = new Set<string>();
  let isSuffixServed = suffix.length === 0;
  for (const fields of availableIndexes(catalog, required)) {
    const own = fields.slice(0, fields.length - suffix.length);
    if (!endsWith(fields, suffix) || !own.every((field) => isWanted(field, prefix))) continue;
    isSuffixServed = true;
    for (const { path, mode } of own) covered.add(`${path} ${equalityMode(mode)}`);
  }
  const isCovered = prefix.every(({ path, mode }) => covered.has(`${path} ${mode}`));
  if (isSuffixServed && isCovered) return;
  if (prefix.length + suffix.length === 1) throw singleFieldMissing(required);
  throw compositeMissing(required);
}

/** Composite indexes of the collection, and the single-field ones of the fields in question. */
function availableIndexes(catalog: IndexCatalog, required: Requirement): (readonly IndexField[])[] {
  const { collectionId, scope, prefix, suffix } = required;
  const composites = (catalog.composites.get(collectionId) ?? [])
    .filter((index) => index.scope === scope)
    .map((index) => index.fields);
  const singles = [...prefix, ...suffix].filter(({ path, mode }) => {
    const modes = singleFieldModes(catalog, collectionId, path)[scope];
    const isEquality = mode === "ASCENDING" && modes.has("DESCENDING");
    return modes.has(mode) || (isEquality && prefix.some((field) => field.path === path));
  });
  return [...composites, ...singles.map((field) => [field])];
}

function endsWith(fields: readonly IndexField[], suffix: IndexField[]): boolean {
  const end = fields.slice(fields.length - suffix.length);
  return (
    fields.length >= suffix.length &&
    suffix.every(({ path, mode }, at) => end[at]?.path === path && end[at]?.mode === mode)
  );
}

function isWanted({ path, mode }: IndexField, prefix: IndexField[]): boolean {
  return prefix.some((field) => field.path === path && field.mode === equalityMode(mode));
}

/** For an equality the direction of a field does not matter. */
function equalityMode(mode: IndexMode): IndexMode {
  return mode === "CONTAINS" ? "CONTAINS" : "ASCENDING";
}

function singleFieldMissing(required: Requirement): GoogleError {
  const { scope, collectionId, prefix, suffix } = required;
  const { path, mode } = [...prefix, ...suffix][0] as IndexField;
  const kind = { ASCENDING: "ASC", DESCENDING: "DESC", CONTAINS: "CONTAINS" }[mode];
  const override = {
    collectionGroup: collectionId,
    fieldPath: path,
    indexes: [{ ...fileMode(mode), queryScope: scope }],
  };
  return new GoogleError(
    "FAILED_PRECONDITION",
    `The query requires a ${scope}_${kind} index for collection ${collectionId} and field ${path}. ${howToAdd(required, "fieldOverrides", override)}`,
  );
}

function compositeMissing(required: Requirement): GoogleError {
  const { scope, collectionId, prefix, suffix } = required;
  const fields = [...prefix, ...suffix].map(({ path, mode }) => ({
    fieldPath: path,
    ...fileMode(mode),
  }));
  const index = { collectionGroup: collectionId, queryScope: scope, fields };
  return new GoogleError(
    "FAILED_PRECONDITION",
    `The query requires an index. ${howToAdd(required, "indexes", index)}`,
  );
}

function fileMode(mode: IndexMode): object {
  return mode === "CONTAINS" ? { arrayConfig: "CONTAINS" } : { order: mode };
}

/** Differs: Google's address creates the index; here the entry for the indexes file stands with it. */
function howToAdd({ root }: Requirement, section: string, entry: object): string {
  const project = root.split("/")[1];
  return `You can create it here: https://console.firebase.google.com/project/${project}/firestore/indexes or add to "${section}" of firestore.indexes.json: ${JSON.stringify(entry)}`;
}
