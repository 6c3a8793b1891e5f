import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitWrites } from "../../../../infra/emulators/firestore/commit.ts";
import type { StoredDocument } from "../../../../infra/emulators/firestore/document.ts";
import { nameKey } from "../../../../infra/emulators/firestore/document-name.ts";
import { readIndexCatalog } from "../../../../infra/emulators/firestore/index-catalog.ts";
import type {
  Filter,
  StructuredQuery,
  Value,
} from "../../../../infra/emulators/firestore/messages.ts";
import {
  compareByQuery,
  matches,
  parseQuery,
  type Query,
} from "../../../../infra/emulators/firestore/query.ts";
import { countMatching, runQuery } from "../../../../infra/emulators/firestore/run-query.ts";
import { type FirestoreState, openState } from "../../../../infra/emulators/firestore/state.ts";
import { readDocument } from "../../../../infra/emulators/firestore/store.ts";
import { systemClock } from "../../../../infra/emulators/wire/clock.ts";
import { GoogleError } from "../../../../infra/emulators/wire/status.ts";

const ROOT = "projects/p/databases/d/documents";
const DATABASE_INDEXES = {
  indexes: [
    { collectionGroup: "c", fields: [order("a"), order("b", "DESCENDING")] },
    { collectionGroup: "c", fields: [order("a", "DESCENDING"), order("b", "DESCENDING")] },
    { collectionGroup: "c", fields: [{ fieldPath: "t", arrayConfig: "CONTAINS" }, order("b")] },
    { collectionGroup: "c", queryScope: "COLLECTION_GROUP", fields: [order("a"), order("b")] },
  ],
  fieldOverrides: [{ collectionGroup: "c", fieldPath: "m", indexes: [] }],
};

function order(fieldPath: string, direction = "ASCENDING") {
  return { fieldPath, order: direction };
}

/** Numbers that look random and are the same each time. */
function makeRandom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof makeRandom>;

function randomValue(random: Random): Value {
  const values: Value[] = [
    { integerValue: String(random(5)) },
    { doubleValue: random(5) + 0.5 },
    { doubleValue: Number.NaN },
    { stringValue: "abc".slice(random(3)) },
    { nullValue: "NULL_VALUE" },
    { booleanValue: random(2) === 0 },
    { stringValue: "x".repeat(1495 + random(10)) },
    { mapValue: { fields: { x: { integerValue: String(random(3)) } } } },
  ];
  return values[random(values.length)] as Value;
}

function randomFields(random: Random): Record<string, Value> {
  const fields: Record<string, Value> = {};
  for (const path of ["a", "b", "m"]) if (random(6) > 0) fields[path] = randomValue(random);
  const values = Array.from({ length: random(4) }, () => ({ integerValue: String(random(4)) }));
  if (random(4) > 0) fields["t"] = { arrayValue: { values } };
  return fields;
}

const OPS = [
  ...["EQUAL", "EQUAL", "EQUAL", "NOT_EQUAL", "IN", "NOT_IN", "ARRAY_CONTAINS", "LESS_THAN"],
  ...["LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "ARRAY_CONTAINS_ANY"],
];

function randomFilter(random: Random, depth = 0): Filter {
  if (depth < 2 && random(3) === 0) {
    const filters = Array.from({ length: 1 + random(2) }, () => randomFilter(random, depth + 1));
    return { compositeFilter: { op: random(3) === 0 ? "OR" : "AND", filters } };
  }
  const op = OPS[random(OPS.length)] as string;
  const isArray = op.startsWith("ARRAY");
  const operand = () => (isArray ? { integerValue: String(random(4)) } : randomValue(random));
  const isList = op === "IN" || op === "NOT_IN" || op === "ARRAY_CONTAINS_ANY";
  const value = isList ? { arrayValue: { values: [operand(), operand()] } } : operand();
  const fieldPath = isArray ? "t" : (["a", "a", "b", "a.x"][random(4)] as string);
  return { fieldFilter: { field: { fieldPath }, op, value } };
}

/** A query that Firestore takes, and what was asked. */
function randomQuery(random: Random): { structured: StructuredQuery; query: Query } {
  for (;;) {
    const structured = randomRequest(random);
    try {
      return { structured, query: parseQuery(ROOT, structured) };
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
    }
  }
}

function randomRequest(random: Random): StructuredQuery {
  const paths = ["a", "b", "__name__"].filter(() => random(3) === 0);
  const orderBy = paths.map((fieldPath) => ({
    field: { fieldPath },
    direction: random(2) === 0 ? "ASCENDING" : "DESCENDING",
  }));
  const allDescendants = random(4) === 0;
  const query: StructuredQuery = { from: [{ collectionId: "c", allDescendants }], orderBy };
  if (random(4) > 0)
    query.where = {
      compositeFilter: {
        op: "AND",
        filters: [randomFilter(random), ...(random(2) ? [randomFilter(random)] : [])],
      },
    };
  if (random(2) === 0) query.limit = { value: 1 + random(8) };
  if (random(4) === 0) query.offset = random(4);
  const first = paths[0];
  if (first && first !== "__name__" && random(2) === 0) {
    query.startAt = { values: [randomValue(random)], before: random(2) === 0 };
    if (random(2) === 0) query.endAt = { values: [randomValue(random)], before: random(2) === 0 };
  }
  return query;
}

/** The result by definition: every document looked at, sorted, cut. */
function expected(all: StoredDocument[], query: Query): string[] {
  const found = all.filter((document) => matches(query, document));
  found.sort((left, right) => compareByQuery(query, left, right));
  const end = query.limit === undefined ? undefined : query.offset + query.limit;
  return found.slice(query.offset, end).map(({ name }) => name.name);
}

function write(state: FirestoreState, random: Random): string {
  const parent = random(3) === 0 ? `${ROOT}/x/y/c` : `${ROOT}/c`;
  const name = `${parent}/d${random(150)}`;
  if (random(8) === 0) commitWrites(state, [{ delete: name }]);
  else commitWrites(state, [{ update: { name, fields: randomFields(random) } }]);
  return name;
}

test.each([
  ["with every field indexed", false],
  ["with composite indexes and exemptions", true],
])("whatever index serves a query, it gives what its definition says, %s", (_name, isIndexed) => {
  const directory = mkdtempSync(join(tmpdir(), "firestore-"));
  const indexesFile = join(directory, "indexes.json");
  writeFileSync(indexesFile, JSON.stringify(DATABASE_INDEXES));
  const catalog = {
    ...readIndexCatalog(indexesFile),
    ...(isIndexed ? {} : { composites: new Map(), overrides: new Map() }),
  };
  const state = openState(directory, catalog, systemClock);
  const random = makeRandom(isIndexed ? 1 : 2);
  const names = new Set<string>();
  for (let n = 0; n < 400; n++) names.add(write(state, random));
  const all = [...names]
    .map((name) => readDocument(state.store, nameKey(name)))
    .filter((document) => document !== undefined);
  let found = 0;
  for (let n = 0; n < 400; n++) {
    const { structured, query } = randomQuery(random);
    const names = runQuery(state.store, query).documents.map(({ name }) => name.name);
    const wanted = expected(all, query);
    if (names.join() !== wanted.join())
      expect({ structured, names }).toEqual({ structured, names: wanted });
    expect(countMatching(state.store, query, Number.POSITIVE_INFINITY)).toBe(wanted.length);
    found += wanted.length;
  }
  expect(found).toBeGreaterThan(1000);
  state.store.database.close();
  rmSync(directory, { recursive: true });
});
