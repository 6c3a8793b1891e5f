import { GoogleError } from "../wire/status.ts";
import { NAME_PATH } from "./field-path.ts";
import {
  definition,
  type IndexCatalog,
  type IndexDefinition,
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
  /** In which order the index must hold the names of equal values. */
  isNameDescending: boolean;
}

/**
 * Refuses a query that Google could not answer with the indexes there are. A catalog that was not
 * read from a file is not enforced, but for the order by descending names alone: no index that is
 * made automatically serves it.
 *
 * @throws {GoogleError} FAILED_PRECONDITION with the index to add.
 * @see https://cloud.google.com/firestore/docs/query-data/indexing
 */
export function checkIndex(catalog: IndexCatalog, query: Query): void {
  const { collectionId, allDescendants, root } = query.scope;
  if (collectionId === undefined) return;
  const scope = allDescendants ? "COLLECTION_GROUP" : "COLLECTION";
  const served = servedBy(catalog);
  for (const disjunct of query.disjuncts) {
    const isOnly = query.disjuncts.length === 1;
    const filter = disjunct.map(({ path, op }) => [path, op]);
    const text = JSON.stringify([scope, collectionId, filter, query.orders, isOnly]);
    if (served.has(text)) continue;
    const required = {
      scope,
      collectionId,
      root,
      ...requiredOrder(disjunct, query.orders),
    } as const;
    if (catalog.isEnforced || (isOnly && isOfNames(required))) checkRequirement(catalog, required);
    served.add(text);
  }
}

const MAX_SERVED = 10_000;
const servedByCatalog = new WeakMap<IndexCatalog, Set<string>>();

/** What was asked of a catalog and is served by it: an application asks the same all day. */
function servedBy(catalog: IndexCatalog): Set<string> {
  const known = servedByCatalog.get(catalog);
  if (known !== undefined && known.size < MAX_SERVED) return known;
  const served = new Set<string>();
  servedByCatalog.set(catalog, served);
  return served;
}

/** Whether nothing but names matters. */
function isOfNames({ prefix, suffix }: Requirement): boolean {
  return prefix.length + suffix.length === 0;
}

function requiredOrder(
  disjunct: Comparison[],
  orders: Order[],
): Pick<Requirement, "prefix" | "suffix" | "isNameDescending"> {
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
  const isNameDescending = orders.at(-1)?.isDescending ?? false;
  return { prefix: [...prefix.values()], suffix, isNameDescending };
}

function checkRequirement(catalog: IndexCatalog, required: Requirement): void {
  const { prefix, suffix, isNameDescending } = required;
  if (isOfNames(required) && !isNameDescending) return;
  const serving = availableIndexes(catalog, required).filter((index) => canServe(index, required));
  const covered = serving.flatMap(({ fields }) => fields.slice(0, fields.length - suffix.length));
  const isCovered = prefix.every((field) => covered.some((each) => isSameEquality(each, field)));
  if (serving.length > 0 && isCovered) return;
  const [only, ...more] = [...prefix, ...suffix];
  const single = only && more.length === 0 ? automaticIndex(only, required) : undefined;
  throw single ? singleFieldMissing(required, single) : compositeMissing(required);
}

/** Composite indexes of the collection, and the single-field ones of the fields in question. */
function availableIndexes(catalog: IndexCatalog, required: Requirement): IndexDefinition[] {
  const { collectionId, scope, prefix, suffix } = required;
  const composites = (catalog.composites.get(collectionId) ?? []).filter(
    (index) => index.scope === scope,
  );
  const singles = [...prefix, ...suffix].flatMap(({ path }) =>
    [...singleFieldModes(catalog, collectionId, path)[scope]].map((mode) =>
      definition(scope, [{ path, mode }]),
    ),
  );
  return [...composites, ...singles];
}

/** The single-field index that would do for one field: it goes as the names are to go. */
function automaticIndex(
  field: IndexField,
  { prefix, isNameDescending }: Requirement,
): IndexField | undefined {
  const mode = isNameDescending ? "DESCENDING" : "ASCENDING";
  if (prefix.includes(field) && field.mode !== "CONTAINS") return { path: field.path, mode };
  return isNameDescending === (field.mode === "DESCENDING") ? field : undefined;
}

/** Whether an index has nothing but what is wanted, in the order that is wanted. */
function canServe(index: IndexDefinition, required: Requirement): boolean {
  const { prefix, suffix, isNameDescending } = required;
  const own = index.fields.slice(0, index.fields.length - suffix.length);
  return (
    index.isNameDescending === isNameDescending &&
    endsWith(index.fields, suffix) &&
    own.every((field) => prefix.some((each) => isSameEquality(field, each)))
  );
}

function endsWith(fields: readonly IndexField[], suffix: IndexField[]): boolean {
  const end = fields.slice(fields.length - suffix.length);
  return (
    fields.length >= suffix.length &&
    suffix.every(({ path, mode }, at) => end[at]?.path === path && end[at]?.mode === mode)
  );
}

/** For an equality the direction of a field does not matter. */
function isSameEquality(left: IndexField, right: IndexField): boolean {
  return left.path === right.path && (left.mode === "CONTAINS") === (right.mode === "CONTAINS");
}

function singleFieldMissing(required: Requirement, { path, mode }: IndexField): GoogleError {
  const { scope, collectionId } = required;
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
  const { scope, collectionId, prefix, suffix, isNameDescending } = required;
  const all = [...prefix, ...suffix];
  const asLast = all.at(-1)?.mode === "DESCENDING";
  if (isNameDescending !== asLast) {
    all.push({ path: NAME_PATH, mode: isNameDescending ? "DESCENDING" : "ASCENDING" });
  }
  const fields = all.map(({ path, mode }) => ({ fieldPath: path, ...fileMode(mode) }));
  const index = { collectionGroup: collectionId, queryScope: scope, fields };
  return new GoogleError(
    "FAILED_PRECONDITION",
    `The query requires an index. ${howToAdd(required, "indexes", index)}`,
  );
}

function fileMode(mode: IndexMode): object {
  return mode === "CONTAINS" ? { arrayConfig: "CONTAINS" } : { order: mode };
}

/**
 * Differs: Google's address creates the index; here the entry for the indexes file stands with it.
 */
function howToAdd({ root }: Requirement, section: string, entry: object): string {
  const project = root.split("/")[1];
  return `You can create it here: https://console.firebase.google.com/project/${project}/firestore/indexes or add to "${section}" of firestore.indexes.json: ${JSON.stringify(entry)}`;
}
