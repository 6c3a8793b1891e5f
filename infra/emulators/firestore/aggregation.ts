import { GoogleError } from "../wire/status.ts";
import { fieldsOf, type StoredDocument } from "./document.ts";
import { type FieldPath, parseFieldPath, valueAt } from "./field-path.ts";
import type { Aggregation, Value } from "./messages.ts";
import type { Query } from "./query.ts";
import { countMatching, type Overlay, runQuery } from "./run-query.ts";
import type { Store } from "./store.ts";

const MAX_AGGREGATIONS = 5;
const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);

/**
 * The aggregations over what the query gives, by alias.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for none, too many, or one without a type.
 */
export function aggregate(
  source: AggregationSource,
  aggregations: readonly Aggregation[],
): Record<string, Value> {
  if (aggregations.length === 0 || aggregations.length > MAX_AGGREGATIONS) {
    throw invalid(`A query must have 1 to ${MAX_AGGREGATIONS} aggregations.`);
  }
  let documents: StoredDocument[] | undefined;
  const read = () => {
    documents ??= runQuery(source.store, source.query, source.overlay).documents;
    return documents;
  };
  const results: Record<string, Value> = {};
  for (const [index, aggregation] of aggregations.entries()) {
    const alias = aggregation.alias || `field_${index + 1}`;
    const { count } = aggregation;
    results[alias] = count ? countOf(source, count, read) : combine(aggregation, read());
  }
  return results;
}

/** A query at an instant. */
export interface AggregationSource {
  store: Store;
  query: Query;
  overlay: Overlay | undefined;
}

function countOf(
  { store, query, overlay }: AggregationSource,
  { upTo }: NonNullable<Aggregation["count"]>,
  read: () => StoredDocument[],
): Value {
  const most = upTo ? Number(upTo.value ?? 0) : Number.POSITIVE_INFINITY;
  if (most <= 0) throw invalid("up_to must be positive.");
  const count = overlay ? Math.min(read().length, most) : countMatching(store, query, most);
  return { integerValue: String(count) };
}

function combine({ sum, avg }: Aggregation, documents: readonly StoredDocument[]): Value {
  if (sum) return sumOf(numbersAt(documents, parseFieldPath(sum.field?.fieldPath)));
  if (avg) return averageOf(numbersAt(documents, parseFieldPath(avg.field?.fieldPath)));
  throw invalid("An aggregation has no type.");
}

/** The numbers at the path; documents with anything else there do not count. */
function numbersAt(documents: readonly StoredDocument[], path: FieldPath): Value[] {
  return documents
    .map((document) => valueAt(fieldsOf(document), path))
    .filter((value) => value?.integerValue !== undefined || value?.doubleValue !== undefined)
    .map((value) => value as Value);
}

/** An integer as long as all are and the sum is one of 64 bits; else a double. */
function sumOf(numbers: readonly Value[]): Value {
  if (numbers.every(({ integerValue }) => integerValue !== undefined)) {
    let sum = 0n;
    for (const { integerValue } of numbers) sum += BigInt(integerValue as string);
    if (sum <= MAX_INTEGER && sum >= MIN_INTEGER) return { integerValue: String(sum) };
  }
  return { doubleValue: numbers.reduce((sum, value) => sum + toDouble(value), 0) };
}

function averageOf(numbers: readonly Value[]): Value {
  if (numbers.length === 0) return { nullValue: "NULL_VALUE" };
  return { doubleValue: toDouble(sumOf(numbers)) / numbers.length };
}

function toDouble(value: Value): number {
  return value.doubleValue ?? Number(value.integerValue);
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}
