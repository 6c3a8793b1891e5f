import type { BuildRef } from "../attempt/build-view.ts";
import { after } from "../clock.ts";
import { buildTimeoutSeconds, TIMING } from "../limits.ts";
import { phaseOver, timesOf, waited } from "./phases.ts";
import type { RunEvent, RunRecord, RunState, Transition } from "./record.ts";
import { slotOfBuild } from "./submission.ts";
import { move, refused, stay } from "./transition.ts";

export function onSubmitted(record: RunRecord, build: BuildRef, now: Date): Transition {
  const { phase, build: known } = record.state;
  if (phase === "submitting") {
    return move(record, "queued", {
      now,
      cause: `build ${build.id}`,
      state: { build, leaseUntil: null, input: null, ...deadline(now, TIMING.queueTtl) },
      slot: slotOfBuild(record, build, now),
    });
  }
  if (phase === "cancelling" && known === null) {
    return stay(record, {
      now,
      state: { build, leaseUntil: null },
      slot: slotOfBuild(record, build, now),
      effects: [{ type: "stopAttempt" }],
    });
  }
  if (known?.id === build.id) return refused("the build is known");
  return refused(`the attempt is ${phase}`, [{ type: "cancelBuild", build }]);
}

export function onClaimed(record: RunRecord, build: BuildRef, now: Date): Transition {
  const { phase, build: known } = record.state;
  // Even from `pending`: Cloud Build said no to this attempt, and ran it after all.
  if (phase !== "running" && phase !== "cancelling") return startRunning(record, build, now);
  if (known?.id === build.id) return refused("the claim is known");
  return stay(record, {
    now,
    state: { build, leaseUntil: null },
    slot: slotOfUnknown(record, build, now),
  });
}

/** The run has waited long enough for Cloud Build; now the image of its runner has to come. */
export function onWorking(
  record: RunRecord,
  { build, since }: Extract<RunEvent, { type: "working" }>,
  now: Date,
): Transition {
  const { phase, workingAt, build: known } = record.state;
  if (phase !== "queued" || workingAt !== null || known?.id !== build.id) {
    return refused("the run does not wait for this build to work");
  }
  const queue = phaseOver("queue", { from: record.state.waitsSince, to: since });
  return stay(record, {
    now,
    run: {
      why: "Cloud Build has started the build; its image is being fetched.",
      phases: [...record.run.phases, ...timesOf([queue])],
    },
    state: { workingAt: since },
    events: [queue, { type: "phase", name: "image", state: "started" }],
  });
}

function startRunning(record: RunRecord, build: BuildRef, now: Date): Transition {
  const limit = buildTimeoutSeconds(record.state.timeoutSeconds);
  const phase = waited(record, now);
  return move(record, "running", {
    now,
    cause: `build ${build.id} has the claim`,
    run: { phases: [...record.run.phases, ...timesOf([phase])] },
    events: [phase],
    state: {
      build,
      leaseUntil: null,
      notBefore: null,
      line: null,
      ...deadline(now, limit),
    },
    slot: slotOfUnknown(record, build, now),
  });
}

/**
 * The slot is of the build that we created, even if somebody else's has the claim; if it is not
 * known it is that one.
 */
function slotOfUnknown(record: RunRecord, build: BuildRef, now: Date) {
  return record.state.build === null ? slotOfBuild(record, build, now) : undefined;
}

function deadline(now: Date, seconds: number): Pick<RunState, "deadlineAt" | "dueAt"> {
  const deadlineAt = after(now, seconds + TIMING.grace);
  return { deadlineAt, dueAt: deadlineAt };
}
