import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitEach } from "../../../../infra/emulators/firestore/commit.ts";
import {
  DEFAULT_CATALOG,
  definition,
  type IndexCatalog,
} from "../../../../infra/emulators/firestore/index-catalog.ts";
import type { StructuredQuery, Write } from "../../../../infra/emulators/firestore/messages.ts";
import { parseQuery } from "../../../../infra/emulators/firestore/query.ts";
import { planScan, type Scan } from "../../../../infra/emulators/firestore/query-plan.ts";
import { openState } from "../../../../infra/emulators/firestore/state.ts";
import { systemClock } from "../../../../infra/emulators/wire/clock.ts";

const ROOT = "projects/p/databases/d/documents";
const CATALOG: IndexCatalog = {
  ...DEFAULT_CATALOG,
  composites: new Map([
    [
      "runs",
      [
        definition("COLLECTION", [
          { path: "owner", mode: "ASCENDING" },
          { path: "createdAt", mode: "DESCENDING" },
        ]),
      ],
    ],
  ]),
};

function openRuns() {
  const directory = mkdtempSync(join(tmpdir(), "firestore-"));
  const state = openState(directory, CATALOG, systemClock);
  const runs = Array.from({ length: 2000 }, (_, n): Write => {
    const due = n % 200 === 0 ? { dueAt: { integerValue: String(n) } } : {};
    const fields = {
      owner: { stringValue: "me" },
      createdAt: { integerValue: String(n) },
      status: { stringValue: n % 100 === 0 ? "open" : "done" },
      ...due,
    };
    return { update: { name: `${ROOT}/runs/r${n}`, fields } };
  });
  commitEach(state, runs);
  return {
    plan(structured: StructuredQuery): Scan {
      const query = parseQuery(ROOT, { from: [{ collectionId: "runs" }], ...structured });
      return planScan(state.store, query, query.disjuncts[0] ?? []);
    },
    [Symbol.dispose]() {
      state.store.database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function where(path: string, op: string, value: string | number) {
  const operand =
    typeof value === "string" ? { stringValue: value } : { integerValue: String(value) };
  return { fieldFilter: { field: { fieldPath: path }, op, value: operand } };
}

function by(fieldPath: string, direction = "ASCENDING") {
  return [{ field: { fieldPath }, direction }];
}

test("what is due is read from its index in order, and nothing else", () => {
  using runs = openRuns();
  const scan = runs.plan({
    where: where("dueAt", "LESS_THAN_OR_EQUAL", 500),
    orderBy: by("dueAt"),
    limit: { value: 100 },
  });
  expect(scan).toMatchObject({ isOrdered: true, isExact: true, isReversed: false });
  expect(scan.index?.text).toBe("COLLECTION dueAt ASCENDING");
});

test("a composite index serves an equality with an order, from either end", () => {
  using runs = openRuns();
  const newest = { where: where("owner", "EQUAL", "me"), orderBy: by("createdAt", "DESCENDING") };
  const oldest = { where: where("owner", "EQUAL", "me"), orderBy: by("createdAt") };
  const text = "COLLECTION owner ASCENDING, createdAt DESCENDING";
  for (const [query, isReversed] of [
    [newest, false],
    [oldest, true],
  ] as const) {
    const scan = runs.plan({ ...query, limit: { value: 20 } });
    expect(scan).toMatchObject({ isOrdered: true, isExact: true, isReversed });
    expect(scan.index?.text).toBe(text);
  }
});

test("without a fitting index the rarer filter is read and sorted", () => {
  using runs = openRuns();
  const scan = runs.plan({
    where: {
      compositeFilter: {
        op: "AND",
        filters: [where("owner", "EQUAL", "me"), where("status", "EQUAL", "open")],
      },
    },
    orderBy: by("dueAt"),
    limit: { value: 5 },
  });
  expect(scan.index?.text).toMatch(/^COLLECTION (status|dueAt) ASCENDING$/);
});

test("a single-field index is read backwards for a descending order", () => {
  using runs = openRuns();
  const scan = runs.plan({ orderBy: by("status", "DESCENDING"), limit: { value: 5 } });
  expect(scan).toMatchObject({ isOrdered: true, isReversed: true });
});
