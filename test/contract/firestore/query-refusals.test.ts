import { AggregateField, FieldPath, Filter, type Query } from "@google-cloud/firestore";
import { refusalOf, startWorld } from "./world.ts";

const NAME = FieldPath.documentId();
const sumOf = (query: Query, path: string) => query.aggregate({ sum: AggregateField.sum(path) });
const NOT_IN_WITH_OR =
  "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.";
const ONE_NEGATION =
  "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.";
const ONE_CONTAINS = "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.";
const AFTER_NAME =
  "This query requires an index that has fields [n] after __name__ and Firestore does not currently support such an index. Please try the query again with additional ordering on those fields.";

// The client refuses none of these.
test.each<[string, (all: Query) => Pick<Query, "get"> | ReturnType<typeof sumOf>, string]>([
  [
    "not-in beside in",
    (all) => all.where("a", "not-in", [1]).where("b", "in", [1, 2]),
    NOT_IN_WITH_OR,
  ],
  [
    "not-in in an or",
    (all) => all.where(Filter.or(Filter.where("a", "not-in", [1]), Filter.where("b", "==", 1))),
    NOT_IN_WITH_OR,
  ],
  ["two !=", (all) => all.where("a", "!=", 1).where("b", "!=", 1), ONE_NEGATION],
  ["!= beside is not null", (all) => all.where("a", "!=", 1).where("b", "!=", null), ONE_NEGATION],
  [
    "two array-contains",
    (all) => all.where("a", "array-contains", 1).where("b", "array-contains", 1),
    ONE_CONTAINS,
  ],
  [
    "array-contains beside array-contains-any",
    (all) => all.where("a", "array-contains", 1).where("b", "array-contains-any", [1, 2]),
    ONE_CONTAINS,
  ],
  [
    "a field twice in the order",
    (all) => all.orderBy("n").orderBy("n", "desc"),
    "order by clause cannot contain duplicate fields n",
  ],
  [
    "an inequality whose field would follow the name",
    (all) => all.where("n", ">", 1).orderBy(NAME),
    "order by clause cannot contain more fields after the key",
  ],
  [
    "a name beside an inequality of a field",
    (all) => all.where(NAME, "==", "x").where("n", ">", 1),
    "Equality on key is not allowed if there are other inequality fields and key does not appear in inequalities.",
  ],
  ["a sum in the order of names", (all) => sumOf(all.orderBy(NAME), "n"), AFTER_NAME],
  ["a sum of named documents", (all) => sumOf(all.where(NAME, ">", "a"), "n"), AFTER_NAME],
  [
    "a sum of what is not selected",
    (all) => sumOf(all.select("a"), "n"),
    "The aggregation property n is not present in the base query's property mask.",
  ],
  [
    "a sum of what is selected",
    (all) => sumOf(all.select("n"), "n"),
    "Cannot apply property masks when aggregation fields are present.",
  ],
  [
    "a sum of names alone",
    (all) => sumOf(all.select(), "n"),
    "Aggregation over non-key properties is not supported for base query that only returns keys.",
  ],
])("%s is refused", async (_name, build, details) => {
  await using world = await startWorld();
  const refusal = await refusalOf(build(world.db.collection("c")).get());
  expect(refusal).toEqual({ code: 3, details });
});

test("what is close to what is refused is served", async () => {
  await using world = await startWorld();
  const all = world.db.collection("c");
  await all.doc("x").set({ n: 2, a: [1], b: [2] });
  const contains = (path: string, value: number) => Filter.where(path, "array-contains", value);
  for (const query of [
    all.where(Filter.or(contains("a", 1), contains("b", 1))),
    all.where("n", "!=", 1).where("a", "array-contains-any", [1, 2]),
    all.where("n", ">", 1).orderBy("n").orderBy(NAME),
    all.where(NAME, "==", "x").where("n", "==", 2),
    all.where(NAME, ">", "a").where("n", ">", 1),
  ]) {
    expect((await query.get()).size).toBe(1);
  }
  expect((await all.select("n").count().get()).data()).toEqual({ count: 1 });
});
