import { rmSync } from "node:fs";
import { play } from "../schedules/schedule.ts";
import { PRESENT, type Revision, revisionIn } from "../world/revision.ts";
import type { VirtualTime } from "../world/virtual-time.ts";
import type { Violation } from "../world/witness.ts";
import { unpackBefore } from "./before.ts";

const LIMIT_MS = 300_000;
const MINUTE_MS = 60_000;

let folder: string;
let before: Revision;

beforeAll(async () => {
  folder = await unpackBefore();
  before = await revisionIn(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** First the one, then instances of both, then the other. */
const switching =
  (from: Revision, to: Revision) =>
  (time: VirtualTime): Revision => {
    const minutes = time.elapsedMs() / MINUTE_MS;
    if (minutes < 2) return from;
    if (minutes > 10) return to;
    return time.random() < 0.5 ? from : to;
  };

/** What does not hold in schedules in which one revision takes the place of another. */
async function violationsOf(schedules: number, from: Revision, to: Revision) {
  const violations: string[] = [];
  let accepted = 0;
  let succeeded = 0;
  for (let seed = 1; seed <= schedules; seed += 1) {
    const played = await play(seed, { revisionOf: switching(from, to) });
    accepted += played.accepted;
    succeeded += played.succeeded;
    const told = ({ invariant, runId, wrong }: Violation) =>
      `seed ${seed}: ${invariant} of ${runId}: ${wrong}`;
    violations.push(...played.violations.map(told));
  }
  expect(accepted).toBeGreaterThan(schedules * 15);
  expect(succeeded / accepted).toBeGreaterThan(0.6);
  return violations;
}

test(
  "an upgrade loses no run in flight and doubles none, whatever goes wrong while both revisions work",
  async () => expect(await violationsOf(30, before, PRESENT)).toEqual([]),
  LIMIT_MS,
);

test(
  "nor does the way back, on which changes of status that nobody has told of stay owed",
  async () => {
    const violations = await violationsOf(10, PRESENT, before);
    expect(violations.filter((wrong) => !wrong.includes(": nothingIsOwed of "))).toEqual([]);
  },
  LIMIT_MS,
);
