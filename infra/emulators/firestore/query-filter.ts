import { GoogleError } from "../wire/status.ts";
import { fieldsOf, orderKeyAt, type StoredDocument } from "./document.ts";
import { NAME_PATH, parseFieldPath, valueAt } from "./field-path.ts";
import type { FieldFilter, Filter, UnaryFilter, Value } from "./messages.ts";
import { compareUtf8, isSameType, NAN_KEY, NULL_KEY, orderKey } from "./order-key.ts";

/** @see https://cloud.google.com/firestore/docs/query-data/queries#limits_on_or_queries */
const MAX_DISJUNCTIONS = 30;
const MAX_NOT_IN = 10;

const RANGE_OPS = [
  "LESS_THAN",
  "LESS_THAN_OR_EQUAL",
  "GREATER_THAN",
  "GREATER_THAN_OR_EQUAL",
] as const;
/** The comparisons that keep to one type and need order. */
export type RangeOp = (typeof RANGE_OPS)[number];

type ComparisonOp = RangeOp | "EQUAL" | "NOT_EQUAL" | "CONTAINS" | "NOT_IN";

/** A test of one field against keys: one key, but for NOT_IN. */
export interface Comparison {
  kind: "comparison";
  path: string;
  op: ComparisonOp;
  keys: [Buffer, ...Buffer[]];
}

/** What a query's filter says. IN and ARRAY_CONTAINS_ANY are an OR. */
export type Condition = { kind: "and" | "or"; conditions: Condition[] } | Comparison;

/**
 * Reads a filter. The rules of what goes with what, and their texts, are those of Google's
 * emulator.
 *
 * @throws {GoogleError} INVALID_ARGUMENT naming what is wrong.
 * @see https://cloud.google.com/firestore/docs/query-data/queries#query_limitations
 */
export function parseFilter(filter: Filter | undefined): Condition {
  if (!filter) return { kind: "and", conditions: [] };
  const condition = parseCondition(filter);
  checkNegations(operatorsOf(filter));
  return condition;
}

const NEGATIONS: ReadonlySet<string | undefined> = new Set([
  "NOT_EQUAL",
  "NOT_IN",
  "IS_NOT_NAN",
  "IS_NOT_NULL",
]);

function checkNegations(operators: readonly (string | undefined)[]): void {
  const isOr = ["IN", "ARRAY_CONTAINS_ANY", "OR"].some((op) => operators.includes(op));
  if (isOr && operators.includes("NOT_IN")) {
    throw invalid(
      "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.",
    );
  }
  if (operators.filter((op) => NEGATIONS.has(op)).length > 1) {
    throw invalid(
      "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.",
    );
  }
}

/** The operators of a filter and all within; an OR of one thing is none. */
function operatorsOf({
  compositeFilter,
  fieldFilter,
  unaryFilter,
}: Filter): (string | undefined)[] {
  if (!compositeFilter) return [(fieldFilter ?? unaryFilter)?.op];
  const { op, filters = [] } = compositeFilter;
  const inner = filters.flatMap(operatorsOf);
  return op === "OR" && filters.length === 1 ? inner : [op, ...inner];
}

function parseCondition(filter: Filter): Condition {
  if (filter.compositeFilter) {
    const { op, filters = [] } = filter.compositeFilter;
    if (op !== "AND" && op !== "OR") throw invalid("A composite filter has no operator.");
    if (filters.length === 0) throw invalid("A composite filter has no filters.");
    return { kind: op === "AND" ? "and" : "or", conditions: filters.map(parseCondition) };
  }
  if (filter.unaryFilter) return parseUnary(filter.unaryFilter);
  if (filter.fieldFilter) return parseField(filter.fieldFilter);
  throw invalid("A filter has no type.");
}

function parseUnary({ field, op }: UnaryFilter): Condition {
  const path = checkedPath(field?.fieldPath);
  switch (op) {
    case "IS_NULL":
      return { kind: "comparison", path, op: "EQUAL", keys: [NULL_KEY] };
    case "IS_NAN":
      return { kind: "comparison", path, op: "EQUAL", keys: [NAN_KEY] };
    case "IS_NOT_NULL":
      return { kind: "comparison", path, op: "NOT_EQUAL", keys: [NULL_KEY] };
    case "IS_NOT_NAN":
      return { kind: "comparison", path, op: "NOT_EQUAL", keys: [NAN_KEY] };
    default:
      throw invalid("A unary filter has no operator.");
  }
}

function parseField({ field, op, value }: FieldFilter): Condition {
  const path = checkedPath(field?.fieldPath);
  if (!value) throw invalid(`The filter on "${path}" has no value.`);
  if (path === NAME_PATH) checkNameOperand(value);
  switch (op) {
    case "EQUAL":
    case "NOT_EQUAL":
    case "LESS_THAN":
    case "LESS_THAN_OR_EQUAL":
    case "GREATER_THAN":
    case "GREATER_THAN_OR_EQUAL":
      return { kind: "comparison", path, op, keys: [orderKey(value)] };
    case "ARRAY_CONTAINS":
      return { kind: "comparison", path, op: "CONTAINS", keys: [orderKey(value)] };
    case "IN":
      return anyOf(path, "EQUAL", elementsOf(value, { op, max: MAX_DISJUNCTIONS }));
    case "ARRAY_CONTAINS_ANY":
      return anyOf(path, "CONTAINS", elementsOf(value, { op, max: MAX_DISJUNCTIONS }));
    case "NOT_IN":
      return {
        kind: "comparison",
        path,
        op,
        keys: elementsOf(value, { op, max: MAX_NOT_IN }).map(orderKey) as [Buffer, ...Buffer[]],
      };
    default:
      throw invalid(`The filter on "${path}" has no operator.`);
  }
}

function checkedPath(path: string | undefined): string {
  if (path !== NAME_PATH) parseFieldPath(path);
  return path as string;
}

function checkNameOperand(value: Value): void {
  const operands = value.arrayValue?.values ?? [value];
  if (operands.some((operand) => operand.referenceValue === undefined)) {
    throw invalid("__key__ filter value must be a Key");
  }
}

function elementsOf(value: Value, { op, max }: { op: string; max: number }): Value[] {
  const values = value.arrayValue?.values ?? [];
  if (values.length === 0) throw invalid(`'${op}' requires an non-empty ArrayValue.`);
  if (values.length > max) throw invalid(`'${op}' supports up to ${max} comparison values.`);
  return values;
}

function anyOf(path: string, op: "EQUAL" | "CONTAINS", values: Value[]): Condition {
  const conditions = values.map(
    (value): Condition => ({ kind: "comparison", path, op, keys: [orderKey(value)] }),
  );
  return { kind: "or", conditions };
}

/**
 * The condition as an OR of ANDs.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for too many, or one that Google's indexes cannot serve.
 */
export function disjunctsOf(condition: Condition): Comparison[][] {
  const disjuncts = expand(condition);
  for (const disjunct of disjuncts) {
    if (disjunct.filter(({ op }) => op === "CONTAINS").length > 1) {
      throw invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.");
    }
  }
  if (disjuncts.length > MAX_DISJUNCTIONS) {
    throw invalid(
      `The query has ${disjuncts.length} disjunctions in disjunctive normal form; the maximum is ${MAX_DISJUNCTIONS}.`,
    );
  }
  return disjuncts;
}

function expand(condition: Condition): Comparison[][] {
  if (condition.kind === "comparison") return [[condition]];
  if (condition.kind === "or") return condition.conditions.flatMap(expand);
  let product: Comparison[][] = [[]];
  for (const inner of condition.conditions) {
    const expanded = expand(inner);
    product = product.flatMap((left) => expanded.map((right) => [...left, ...right]));
    if (product.length > 1000) break;
  }
  return product;
}

/** The fields that the filter implies an order on: those of inequalities, by name. */
export function orderedPaths(condition: Condition): string[] {
  const paths = new Set<string>();
  collectOrdered(condition, paths);
  return [...paths].sort(compareUtf8);
}

function collectOrdered(condition: Condition, paths: Set<string>): void {
  if (condition.kind === "comparison") {
    if (condition.op !== "EQUAL" && condition.op !== "CONTAINS") paths.add(condition.path);
    return;
  }
  for (const inner of condition.conditions) collectOrdered(inner, paths);
}

/** Whether the comparison is one of order within a type. */
export function isRange(op: string): op is RangeOp {
  return (RANGE_OPS as readonly string[]).includes(op);
}

/** Whether the document passes. */
export function isSatisfied(condition: Condition, document: StoredDocument): boolean {
  switch (condition.kind) {
    case "and":
      return condition.conditions.every((inner) => isSatisfied(inner, document));
    case "or":
      return condition.conditions.some((inner) => isSatisfied(inner, document));
    case "comparison":
      return isComparisonTrue(condition, document);
  }
}

function isComparisonTrue({ path, op, keys }: Comparison, document: StoredDocument): boolean {
  if (op === "CONTAINS") return contains(document, path, keys[0]);
  const own = orderKeyAt(document, path);
  if (!own) return false;
  switch (op) {
    case "EQUAL":
      return own.equals(keys[0]);
    case "NOT_EQUAL":
      return !own.equals(NULL_KEY) && !own.equals(keys[0]);
    case "NOT_IN":
      return !own.equals(NULL_KEY) && !keys.some((key) => key.equals(own) || key.equals(NULL_KEY));
    default:
      return isSameType(own, keys[0]) && isInRange(op, Buffer.compare(own, keys[0]));
  }
}

function isInRange(op: RangeOp, compared: number): boolean {
  switch (op) {
    case "LESS_THAN":
      return compared < 0;
    case "LESS_THAN_OR_EQUAL":
      return compared <= 0;
    case "GREATER_THAN":
      return compared > 0;
    case "GREATER_THAN_OR_EQUAL":
      return compared >= 0;
  }
}

function contains(document: StoredDocument, path: string, key: Buffer): boolean {
  if (path === NAME_PATH) return false;
  const values = valueAt(fieldsOf(document), parseFieldPath(path))?.arrayValue?.values ?? [];
  return values.some((value) => orderKey(value).equals(key));
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}
