import { GoogleError } from "../wire/status.ts";
import { checkedValue } from "./document-fields.ts";
import { parseFieldPath, valueAt, withValueAt } from "./field-path.ts";
import type { Fields, FieldTransform, Value } from "./messages.ts";
import { orderKey } from "./order-key.ts";
import { toTimestamp } from "./timestamp.ts";

const MAX_TRANSFORMS = 500;
const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);
const NULL: Value = { nullValue: "NULL_VALUE" };

/** Fields after transforms, and one result for each transform. */
export interface Transformed {
  fields: Fields;
  results: Value[];
}

/**
 * Applies the transforms in their order.
 *
 * @param at The commit's time in microseconds, for `REQUEST_TIME`.
 * @throws {GoogleError} INVALID_ARGUMENT for an operand that does not fit the transform.
 */
export function applyTransforms(
  fields: Fields,
  transforms: readonly FieldTransform[],
  at: number,
): Transformed {
  if (transforms.length > MAX_TRANSFORMS) {
    throw invalid(`A document cannot have more than ${MAX_TRANSFORMS} field transforms.`);
  }
  const results: Value[] = [];
  let transformed = fields;
  for (const transform of transforms) {
    const path = parseFieldPath(transform.fieldPath);
    const { value, result } = applyTransform(valueAt(transformed, path), transform, at);
    transformed = withValueAt(transformed, path, value);
    results.push(result);
  }
  return { fields: transformed, results };
}

function applyTransform(
  current: Value | undefined,
  transform: FieldTransform,
  at: number,
): { value: Value; result: Value } {
  if (transform.appendMissingElements) {
    const elements = transform.appendMissingElements.values ?? [];
    return { value: union(current, elements), result: NULL };
  }
  if (transform.removeAllFromArray) {
    const elements = transform.removeAllFromArray.values ?? [];
    return { value: without(current, elements), result: NULL };
  }
  const value = numberOrTime(current, transform, at);
  return { value, result: value };
}

function numberOrTime(current: Value | undefined, transform: FieldTransform, at: number): Value {
  if (transform.setToServerValue === "REQUEST_TIME") {
    return { timestampValue: toTimestamp(at - (at % 1000)) };
  }
  if (transform.increment) return increment(current, numeric(transform.increment));
  if (transform.maximum) return extreme(current, numeric(transform.maximum), 1);
  if (transform.minimum) return extreme(current, numeric(transform.minimum), -1);
  throw invalid(`The transform of "${transform.fieldPath ?? ""}" has no type.`);
}

function increment(current: Value | undefined, operand: Value): Value {
  if (!current || !isNumber(current)) return operand;
  if (current.integerValue !== undefined && operand.integerValue !== undefined) {
    const sum = BigInt(current.integerValue) + BigInt(operand.integerValue);
    return { integerValue: String(clamp(sum)) };
  }
  return { doubleValue: toDouble(current) + toDouble(operand) };
}

function clamp(sum: bigint): bigint {
  if (sum > MAX_INTEGER) return MAX_INTEGER;
  return sum < MIN_INTEGER ? MIN_INTEGER : sum;
}

function extreme(current: Value | undefined, operand: Value, sign: 1 | -1): Value {
  if (!current || !isNumber(current)) return operand;
  if (Number.isNaN(toDouble(current))) return current;
  if (Number.isNaN(toDouble(operand))) return operand;
  const order = Buffer.compare(orderKey(operand), orderKey(current));
  return order * sign > 0 ? operand : current;
}

function union(current: Value | undefined, elements: Value[]): Value {
  const values = [...(current?.arrayValue?.values ?? [])];
  const present = new Set(values.map(textKey));
  for (const element of elements.map(checkedElement)) {
    const key = textKey(element);
    if (present.has(key)) continue;
    present.add(key);
    values.push(element);
  }
  return { arrayValue: { values } };
}

function without(current: Value | undefined, elements: Value[]): Value {
  const removed = new Set(elements.map(checkedElement).map(textKey));
  const values = current?.arrayValue?.values ?? [];
  return { arrayValue: { values: values.filter((value) => !removed.has(textKey(value))) } };
}

function checkedElement(element: Value): Value {
  return checkedValue(element, { field: "transform", depth: 2, inArray: true, inMap: false });
}

function textKey(value: Value): string {
  return orderKey(value).toString("latin1");
}

function numeric(operand: Value): Value {
  if (!isNumber(operand)) throw invalid("The operand of a numeric transform must be a number.");
  return checkedValue(operand, { field: "transform", depth: 1, inArray: false, inMap: false });
}

function isNumber(value: Value): boolean {
  return value.integerValue !== undefined || value.doubleValue !== undefined;
}

function toDouble(value: Value): number {
  return value.doubleValue ?? Number(value.integerValue);
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}
