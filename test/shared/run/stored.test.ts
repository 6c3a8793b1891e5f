import { next } from "../../../shared/run/run.ts";
import { recordOf, stateDocument } from "../../../shared/run/stored.ts";
import { ALL_SHARDS, shardOf } from "../../../shared/shard.ts";
import { at, cancel, lease, makeRun } from "../../support/make-run.ts";

const { run, state } = makeRun();

/** A state as the first revision wrote it: without all that came later. */
function stateOfBefore() {
  const {
    line: _line,
    slot: _slot,
    parent: _parent,
    machineType: _machineType,
    acceptedAt: _acceptedAt,
    pastBuilds: _pastBuilds,
    failedVisits: _failedVisits,
    deniedSince: _deniedSince,
    input: _input,
    commits: _commits,
    told: _told,
    tellAt: _tellAt,
    ...rest
  } = state;
  return { ...rest, schemaVersion: 1 };
}

test("a state of before is read, and written in the form of now", () => {
  const record = recordOf({ run, state: stateOfBefore() });
  // It began before changes of status were told: the next ones are.
  const told = { told: 1, tellAt: null };
  expect(record).toEqual({ run, state: { ...state, ...told, acceptedAt: run.createdAt } });
  for (const event of [lease, cancel]) expect(next(record, event, at(5)).changed).toBe(true);
});

test.each(["run", "state"] as const)("a %s of a later revision is left to that one", (which) => {
  const documents = { run: { ...run }, state: { ...state } };
  const later = { ...documents, [which]: { ...documents[which], schemaVersion: 4 } };
  expect(() => recordOf(later)).toThrow(
    expect.objectContaining({ code: "unavailable", retry: true }),
  );
});

test("what this revision does not know is kept", () => {
  const later = { ...state, hint: "of a revision beside this one" };
  expect(stateDocument(recordOf({ run, state: later }))).toMatchObject({
    hint: "of a revision beside this one",
  });
});

test("what goes without saying stands in no document, and is read all the same", () => {
  const quiet = stateDocument({ run, state });
  for (const name of ["slot", "failures", "commits", "obligations"]) {
    expect(quiet).not.toHaveProperty(name);
  }
  const said = { ...state, slot: "s", failures: 1, commits: ["c"], deniedSince: at(1) };
  const spoken = stateDocument({ run, state: said });
  expect(spoken).toMatchObject({ slot: "s", failures: 1, commits: ["c"], deniedSince: at(1) });
  expect(recordOf({ run, state: quiet })).toEqual({ run, state: expect.objectContaining(state) });
  expect(recordOf({ run, state: spoken }).state).toMatchObject(said);
});

test("only a run that waits has a line in its document", () => {
  expect(stateDocument({ run, state })).not.toHaveProperty("line");
  expect(stateDocument({ run, state: { ...state, line: "x" } })).toHaveProperty("line", "x");
});

test("each has a shard in its document, one of sixteen, and the same for good", () => {
  expect(stateDocument({ run, state })).toHaveProperty("shard", shardOf(run.id));
  const ids = Array.from({ length: 1600 }, (_, n) => `run_${n}`);
  const counts = ALL_SHARDS.map((shard) => ids.filter((id) => shardOf(id) === shard).length);
  expect(counts).toHaveLength(16);
  expect(Math.min(...counts)).toBeGreaterThan(60);
  expect(Math.max(...counts)).toBeLessThan(140);
  expect(shardOf("run_2MApo7WXve5lCHoJCSaJKN")).toBe(4);
});

describe("when the sweep looks", () => {
  const due = { dueAt: at(600), tellAt: at(60) };
  const stored = stateDocument({ run, state: { ...state, ...due } });

  test("is earlier while something is to be told, and what is due itself comes back", () => {
    expect(stored).toMatchObject({ dueAt: at(60) });
    expect(recordOf({ run, state: stored }).state).toMatchObject(due);
    expect(stateDocument({ run, state: { ...state, ...due, tellAt: null } })).toMatchObject({
      dueAt: at(600),
    });
    const ended = stateDocument({ run, state: { ...state, dueAt: null, tellAt: at(60) } });
    expect(ended).toMatchObject({ dueAt: at(60) });
    expect(recordOf({ run, state: ended }).state).toMatchObject({ dueAt: null, tellAt: at(60) });
  });

  test("is what a revision of before has written, which knows one time alone", () => {
    const written = { ...stored, dueAt: at(90) };
    expect(recordOf({ run, state: written }).state).toMatchObject({ ...due, dueAt: at(90) });
  });
});
