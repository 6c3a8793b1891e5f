import { inspect } from "node:util";
import { DocumentReference, type Firestore, GeoPoint, Timestamp } from "@google-cloud/firestore";
import fc from "fast-check";

/** Of a file's first random test; each further one has the next. */
export const SEED = Number(process.env["RANDOM_SEED"] ?? 42);

/** A value, or the id of a document to refer to. */
export type Given = { value: unknown } | { reference: string };

/** Values without others inside. */
const scalar: fc.Arbitrary<Given> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 1.5, 2, "a", "b").map((value) => ({ value })) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(
        null,
        false,
        true,
        -0,
        -1,
        2 ** 40,
        "",
        "é",
        "\u{1f600}",
        new Timestamp(1, 0),
        new Timestamp(1, 1000),
        Buffer.from([]),
        Buffer.from([1, 255]),
        new GeoPoint(1, 2),
        new GeoPoint(-1, 3),
      )
      .map((value) => ({ value })),
  },
  { weight: 1, arbitrary: fc.constantFrom("c/a", "c/b").map((reference) => ({ reference })) },
);
/** The same, without references. */
export const plain = scalar.filter((given): given is { value: unknown } => "value" in given);
/** Arrays and maps as well. */
export const any: fc.Arbitrary<Given> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  {
    weight: 1,
    arbitrary: fc.array(plain, { maxLength: 3 }).map((all) => ({ value: all.map((v) => v.value) })),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom("x", "y"), plain).map((all) => ({
      value: Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value])),
    })),
  },
);
/** The value for this client. */
export function resolve(db: Firestore, given: Given): unknown {
  return "reference" in given ? db.doc(given.reference) : given.value;
}

/** The value as text, each reference as its path. */
export function shown(value: unknown): string {
  const plainer = (each: unknown): unknown => {
    if (each instanceof DocumentReference) return `reference ${each.path}`;
    if (Array.isArray(each)) return each.map(plainer);
    if (
      each === null ||
      typeof each !== "object" ||
      Object.getPrototypeOf(each) !== Object.prototype
    ) {
      return each;
    }
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, plainer(inner)]));
  };
  return inspect(plainer(value), {
    depth: 10,
    sorted: true,
    compact: 99,
    breakLength: Number.POSITIVE_INFINITY,
  });
}
