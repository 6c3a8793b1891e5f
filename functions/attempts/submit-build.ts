import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { buildPlan } from "../../shared/attempt/build-plan.ts";
import { type AttemptInput, INPUT_FILES, inputObject } from "../../shared/documents/attempt.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { base62 } from "../../shared/ids.ts";
import { RUN_LIMITS, TIMING } from "../../shared/limits.ts";
import type { ResolvedRequest } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { after } from "../../shared/run/transition.ts";
import { Type } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { truncateUtf8 } from "../../shared/text.ts";
import type { Creation } from "../services/builds.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";
import { adopt, applyEvent, settle } from "./settle-attempt.ts";

const validateMessage = validatorOf(
  Type.Object({ runId: Type.String(), attempt: Type.Integer({ minimum: 1 }) }),
);

/**
 * Handles a message of `run-requests`: takes the attempt's lease, uploads its input and creates its
 * build, once. A message for an attempt that somebody holds, or that is over, is done with.
 */
export async function submitBuild(services: Services, message: unknown): Promise<void> {
  const valid = validateMessage(message);
  if (!valid.ok) {
    throw new AppError("invalid", {
      detail: "not a message of run-requests",
      faults: valid.faults,
    });
  }
  const { runId, attempt } = valid.value;
  const giveUpAt = after(services.now(), TIMING.handlerBudget - TIMING.createBuildDeadline);
  const progressToken = base62(services.random(16));
  const leased = await applyEvent(services, runId, {
    type: "lease",
    attempt,
    progressTokenHash: sha256(progressToken),
  });
  if (leased === undefined) {
    // Published only after its commit: a run that is not there yet is there on the next delivery.
    throw new AppError("unavailable", { detail: `run ${runId} is not there` });
  }
  if (!leased.changed) return;
  const request = await services.runs.getRequest(runId);
  if (request === undefined) throw new Error(`run ${runId} has no request`);
  const creation = await create(services, leased.record, { request, progressToken, giveUpAt });
  await recordCreation(services, leased.record, creation);
}

async function create(
  services: Services,
  record: RunRecord,
  {
    request,
    progressToken,
    giveUpAt,
  }: { request: ResolvedRequest; progressToken: string; giveUpAt: Date },
): Promise<Creation> {
  const paths = pathsOf(record);
  const archive = await inputArchive(services, record, { request, progressToken });
  const object = inputObject(paths, record.state.version);
  const input = await services.artifacts.putInput(object, archive);
  if (services.now() >= giveUpAt) {
    // A CreateBuild now could still be under way when the message is delivered again.
    return { kind: "deferred", message: "uploading its input took too long" };
  }
  const { id: runId } = record.run;
  const { attempt } = record.state;
  return services.builds.create(
    buildPlan(services.settings, { runId, attempt, agent: request.settings, input }),
  );
}

/** The build's source: the attempt's description, and the prompt byte for byte in a file of its own. */
async function inputArchive(
  services: Services,
  record: RunRecord,
  { request, progressToken }: { request: ResolvedRequest; progressToken: string },
): Promise<Buffer> {
  const { id } = record.run;
  const attempt: AttemptInput = {
    schemaVersion: 1,
    runId: id,
    attempt: record.state.attempt,
    bucket: services.artifacts.bucketName,
    prefix: pathsOf(record).prefix,
    sessionId: record.state.restore?.sessionId ?? record.state.sessionId,
    restore: record.state.restore,
    agent: request.settings,
    progress: { url: `${services.publicUrl}/v1/runs/${id}/progress`, token: progressToken },
  };
  const tar = await packTar([
    fileEntry(INPUT_FILES.attempt, JSON.stringify(attempt)),
    fileEntry(INPUT_FILES.prompt, request.prompt),
  ]);
  return gzipSync(tar);
}

function fileEntry(name: string, text: string) {
  const body = Buffer.from(text, "utf8");
  return { header: { name, size: body.length, mode: 0o600 }, body };
}

async function recordCreation(
  services: Services,
  record: RunRecord,
  creation: Creation,
): Promise<void> {
  const { id } = record.run;
  const { attempt } = record.state;
  switch (creation.kind) {
    case "created":
      await applyEvent(services, id, { type: "submitted", attempt, build: creation.build });
      return;
    case "deferred": {
      const until = after(services.now(), TIMING.pendingDue);
      await applyEvent(services, id, {
        type: "deferred",
        attempt,
        until,
        cause: creation.message,
      });
      return;
    }
    case "rejected":
      await recordRejection(services, record, creation.message);
      return;
    case "unknown":
      // The build may exist. Trying again now could double it; the lease's end decides by the claim.
      services.log("WARNING", `CreateBuild: no known outcome: ${creation.message}`, {
        runId: id,
        attempt,
      });
      return;
  }
}

async function recordRejection(
  services: Services,
  record: RunRecord,
  reason: string,
): Promise<void> {
  const claim = await services.artifacts.sealClaim(
    pathsOf(record),
    "Cloud Build refused the build",
  );
  if (claim.by === "build") {
    await adopt(services, record, services.builds.refOf(claim.buildId));
    return;
  }
  const message = truncateUtf8(`Cloud Build refused the build: ${reason}`, RUN_LIMITS.messageBytes);
  await settle(services, record, {
    settlement: { verdict: { outcome: "build_rejected", message, deniedTools: [] } },
    liveBuild: null,
  });
}
