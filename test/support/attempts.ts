import { Firestore, Timestamp } from "@google-cloud/firestore";
import { Storage } from "@google-cloud/storage";
import { pathsOf } from "../../functions/attempts/attempt-outcome.ts";
import { submitBuild } from "../../functions/attempts/submit-build.ts";
import type { Builds, Creation } from "../../functions/services/builds.ts";
import type { Services } from "../../functions/services/services.ts";
import type { BuildManifest, Claim } from "../../shared/documents/manifest.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { eventually } from "./eventually.ts";
import type { Pipeline } from "./pipeline.ts";

export const attemptOf = ({ run, state }: RunRecord) => ({ runId: run.id, attempt: state.attempt });

const TIMES = {
  runState: [
    "dueAt",
    "ownDueAt",
    "tellAt",
    "deadlineAt",
    "leaseUntil",
    "notBefore",
    "cancelRequestedAt",
    "deniedSince",
    "delivery.dueAt",
    "delivery.notBefore",
    "delivery.since",
    "watch.dueAt",
    "watch.until",
  ],
  slots: ["dueAt", "overAt", "takenAt"],
  targets: ["pausedUntil"],
};

/**
 * Lets time pass: all that is decided by time is by the database's clock, so what is stored is made
 * older by `seconds`.
 */
export async function pass({ config, services }: Pipeline, seconds: number): Promise<void> {
  const firestore = new Firestore({ projectId: config.projectId });
  for (const [collection, fields] of Object.entries(TIMES)) {
    for (const document of (await firestore.collection(collection).get()).docs) {
      const { ref } = document;
      const times = fields.filter((field) => document.get(field) instanceof Timestamp);
      const older: unknown[][] = times.map((field) => [
        field,
        new Date((document.get(field) as Timestamp).toMillis() - seconds * 1000),
      ]);
      const places: { notBefore: Timestamp | null }[] = document.get("delivery.places") ?? [];
      if (places.length > 0) older.push(["delivery.places", places.map(earlierBy(seconds))]);
      if (older.length > 0) await ref.update(Object.fromEntries(older));
    }
  }
  await firestore.terminate();
  // What is remembered of it for seconds is forgotten.
  await services.capacity.changeTarget("test", (target) => target);
}

const earlierBy =
  (seconds: number) =>
  ({ notBefore, ...place }: { notBefore: Timestamp | null }) => ({
    ...place,
    notBefore: notBefore && new Date(notBefore.toMillis() - seconds * 1000),
  });

/** The builds of services, as a plain object that a test may change. */
export const buildsOf = ({ builds }: Services): Services["builds"] => ({
  parent: builds.parent,
  load: () => builds.load(),
  create: (plan, parent) => builds.create(plan, parent),
  listLive: (parent) => builds.listLive(parent),
  get: (build) => builds.get(build),
  cancel: (build) => builds.cancel(build),
});

/** The services with some of the builds' methods done otherwise. */
export const withBuilds = (services: Services, builds: Partial<Builds>): Services => ({
  ...services,
  builds: { ...buildsOf(services), ...builds },
});

/** The services with attempts published otherwise, and with nobody told of changes of status. */
export const withPublisher = (
  services: Services,
  publishAttempt: Services["publisher"]["publishAttempt"],
): Services => ({
  ...services,
  publisher: {
    publishAttempt,
    publishAdmission: (message) => services.publisher.publishAdmission(message),
    publishDeadLetter: (message) => services.publisher.publishDeadLetter(message),
    publishDelivery: (message) => services.publisher.publishDelivery(message),
    publishFires: (message) => services.publisher.publishFires(message),
    publishEvent: async () => {},
    publishRunDelivery: (message) => services.publisher.publishRunDelivery(message),
  },
});

/** The services with a CreateBuild that does what it does and then answers something else. */
export function answering(
  services: Services,
  kind: "unknown" | "deferred",
  creates: boolean,
): Services {
  const { builds } = services;
  return {
    ...services,
    builds: {
      ...buildsOf(services),
      async create(plan, parent): Promise<Creation> {
        if (creates) await builds.create(plan, parent);
        return { kind, message: "as the test wants it" };
      },
    },
  };
}

async function buildOver(pipeline: Pipeline): Promise<{ id: string }> {
  return eventually(() => {
    const message = pipeline.messages.find(
      ({ status }) => status !== "QUEUED" && status !== "WORKING",
    );
    if (message === undefined) throw new Error("no build is over");
    return message;
  });
}

export async function putObject(services: Services, object: string, value: object): Promise<void> {
  const bucket = new Storage({ projectId: "pipeline" }).bucket(services.artifacts.bucketName);
  await bucket.file(object).save(JSON.stringify(value), { resumable: false });
}

export function manifestOf({ run, state }: RunRecord, buildId: string): BuildManifest {
  return {
    schemaVersion: 1,
    by: "build",
    runId: run.id,
    attempt: state.attempt,
    buildId,
    agent: { name: "claude-code", version: "2" },
    isolation: "none",
    startedAt: "2026-01-01T00:00:00Z",
    endedAt: "2026-01-01T00:00:09Z",
    facts: {
      started: true,
      error: null,
      failedStep: null,
      exitCode: 0,
      signal: null,
      stoppedBy: null,
      result: { subtype: "success", is_error: false, result: "Done so.", num_turns: 1 },
      toolCalls: 1,
      toolErrors: 0,
      deniedTools: [],
      turns: 1,
      lastText: "Done so.",
      stderrTail: "",
      wantsStructuredOutput: false,
      outputFaults: null,
    },
    session: null,
    outputs: [],
    changedFiles: [],
    moreChangedFiles: 0,
  };
}

/** A run whose build Cloud Build has. */
export async function submittedRun(pipeline: Pipeline): Promise<RunRecord> {
  const run = await pipeline.accept();
  await submitBuild(pipeline.services, attemptOf(run));
  return run;
}

/** A submitted run whose claim is its build's. */
export async function claimedRun(pipeline: Pipeline): Promise<RunRecord> {
  const run = await submittedRun(pipeline);
  const [build] = await pipeline.builds();
  await putClaim(pipeline, run, build?.id ?? "");
  return run;
}

/** A submitted run whose build is over, with the message that says so. */
export async function endedBuild(
  pipeline: Pipeline,
): Promise<{ run: RunRecord; message: { id: string } }> {
  const run = await submittedRun(pipeline);
  return { run, message: await buildOver(pipeline) };
}

export async function putClaim(pipeline: Pipeline, run: RunRecord, buildId: string): Promise<void> {
  const claim: Claim = { by: "build", buildId, runner: "r" };
  await putObject(pipeline.services, pathsOf(run).claim, claim);
}
