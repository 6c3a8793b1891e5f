import type { PhaseTime } from "../../../shared/documents/event.ts";
import { timelineOf } from "../../../shared/run/timeline.ts";
import { at, makeRun } from "../../support/make-run.ts";

const seconds = (date: Date): number => (date.getTime() - at(0).getTime()) / 1000;

function timeline(
  known: { told: PhaseTime[]; workingAt?: Date; queuedAt?: Date },
  ofRunner: { phases?: PhaseTime[]; startedAt?: Date },
  now: Date,
) {
  const { run, state } = makeRun();
  const queued = known.queuedAt
    ? [{ version: 2, status: "queued", at: known.queuedAt, cause: "" } as const]
    : [];
  const { phases, build } = timelineOf(
    {
      run: { ...run, phases: known.told, history: [...run.history, ...queued] },
      state: { ...state, workingAt: known.workingAt ?? null },
    },
    ofRunner,
    now,
  );
  return {
    phases: phases.map(({ name, from, to }) => [name, seconds(from), seconds(to)]),
    build: [seconds(build.from), seconds(build.to)],
  };
}

const QUEUE: PhaseTime = { name: "queue", ms: 10_000 };
const IMAGE: PhaseTime = { name: "image", ms: 6000 };
const OF_RUNNER: PhaseTime[] = [
  { name: "claim", ms: 1000 },
  { name: "agent", ms: 20_000 },
  { name: "upload", ms: 2000 },
];

test("phases are placed by when the build began to work and when its runner had the attempt", () => {
  const known = { told: [QUEUE, IMAGE], workingAt: at(10), queuedAt: at(4) };
  expect(timeline(known, { phases: OF_RUNNER, startedAt: at(15) }, at(40))).toEqual({
    phases: [
      ["queue", 0, 10],
      // That it was over was told only when the runner was at work.
      ["image", 10, 14],
      ["claim", 14, 15],
      ["agent", 15, 35],
      ["upload", 35, 37],
    ],
    build: [4, 40],
  });
});

test("without a manifest the phases that were told come one after the other", () => {
  const told = [QUEUE, IMAGE, { name: "claim", ms: 1000 } as const];
  expect(timeline({ told }, {}, at(60))).toEqual({
    phases: [
      ["queue", 0, 10],
      ["image", 10, 16],
      ["claim", 16, 17],
    ],
    build: [10, 60],
  });
});

test("nothing is later than the end, whatever was told", () => {
  const told: PhaseTime[] = [QUEUE, { name: "agent", ms: Number.MAX_SAFE_INTEGER }];
  const wrong = { phases: OF_RUNNER, startedAt: new Date("never") };
  expect(timeline({ told }, {}, at(12)).phases.at(-1)).toEqual(["agent", 10, 12]);
  expect(timeline({ told }, wrong, at(12)).phases.at(-1)).toEqual(["upload", 12, 12]);
  expect(timeline({ told: [] }, {}, at(12))).toEqual({ phases: [], build: [12, 12] });
});
