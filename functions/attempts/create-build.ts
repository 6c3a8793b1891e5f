import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { repositoriesOf } from "../../shared/agent/repository.ts";
import { buildPlan } from "../../shared/attempt/build-plan.ts";
import {
  afterCreate,
  type CreateOutcome,
  isInDoubt,
  parentOf,
  type Target,
} from "../../shared/capacity/target.ts";
import { type AttemptInput, INPUT_FILES, inputObject } from "../../shared/documents/attempt.ts";
import { type MirrorPlace, mirrorsPrefix } from "../../shared/documents/mirror.ts";
import type { ResolvedRequest } from "../../shared/run/accept.ts";
import { usdOf } from "../../shared/run/owner-day.ts";
import type { BuildInput, RunRecord, RunState } from "../../shared/run/record.ts";
import { customTimeOf } from "../../shared/run/retention.ts";
import { continuing } from "../../shared/run/trace.ts";
import { describeError } from "../log.ts";
import type { Creation } from "../services/builds.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";

/** What became of a submission, and the input that it has uploaded. */
export interface Submission {
  creation: Creation;
  input: BuildInput | null;
}

/** Uploads the input of a lease and creates its build. */
export async function createBuild(
  services: Services,
  record: RunRecord,
  {
    request,
    target,
    progressToken,
    giveUpAt,
  }: { request: ResolvedRequest; target: Target; progressToken: string; giveUpAt: Date },
): Promise<Submission> {
  const { attempt, version } = record.state;
  const paths = pathsOf(record);
  const input =
    record.state.input ??
    (await services.artifacts.putInput(inputObject(paths, version), {
      archive: await inputArchive(services, record, { request, progressToken }),
      customTime: inputTimeOf(services.now(), record.state),
    }));
  if (isInDoubt(target) && !(await isAlive(services, target))) {
    return { creation: { kind: "deferred", message: "Cloud Build does not answer" }, input };
  }
  if (services.now() >= giveUpAt) {
    // A CreateBuild now could still be under way when the message is delivered again.
    return { creation: { kind: "deferred", message: "uploading its input took too long" }, input };
  }
  const settings = { ...services.settings, ...(target.pool && { pool: target.pool }) };
  const planned = {
    runId: record.run.id,
    attempt,
    slot: record.state.slot,
    agent: request.settings,
    input,
    trace: continuing(record.state.trace, record.state.submissionTrace),
  };
  const creation = await services.builds.create(buildPlan(settings, planned), parentOf(target));
  await tellTarget(services, target, creation);
  return { creation, input };
}

/** Asks for a sign of life, which costs no submission. */
async function isAlive(services: Services, target: Target): Promise<boolean> {
  try {
    await services.builds.listLive(parentOf(target));
    return true;
  } catch (error) {
    services.log("WARNING", `target ${target.id}: ${describeError(error)}`);
    await changeTarget(services, target, "unreachable");
    return false;
  }
}

async function tellTarget(services: Services, target: Target, { kind }: Creation): Promise<void> {
  if (kind === "created" && target.refusals + target.unknowns === 0) return;
  if (kind === "created" || kind === "unknown") await changeTarget(services, target, kind);
  else if (kind === "deferred" || kind === "denied")
    await changeTarget(services, target, "refused");
}

/** What a target is remembered for only spares others a vain attempt. */
async function changeTarget(
  services: Services,
  { id }: Target,
  outcome: CreateOutcome,
): Promise<void> {
  const chance = services.chance();
  try {
    await services.capacity.changeTarget(id, (target, now) =>
      afterCreate(target, outcome, { now, chance }),
    );
  } catch (error) {
    services.log("WARNING", `target ${id}: ${describeError(error)}`);
  }
}

/**
 * The build's source: the attempt's description, and the prompt byte for byte in a file of its own.
 */
async function inputArchive(
  services: Services,
  record: RunRecord,
  { request, progressToken }: { request: ResolvedRequest; progressToken: string },
): Promise<Buffer> {
  const { id } = record.run;
  const { asideMicros, restore, resume = null, retention, spentBefore } = record.state;
  const attempt: AttemptInput = {
    schemaVersion: 1,
    runId: id,
    attempt: record.state.attempt,
    bucket: services.artifacts.bucketName,
    prefix: pathsOf(record).prefix,
    sessionId: (resume ?? restore)?.sessionId ?? record.state.sessionId,
    restore,
    resume,
    agent: request.settings,
    ...(request.tree && { tree: request.tree }),
    ...(request.files && { files: [...request.files] }),
    ...deliveredIn(record.state),
    ...(await conflictOf(services, record.state)),
    ...(typeof asideMicros === "number" && { ownerBudgetUsd: usdOf(asideMicros) }),
    ...(spentBefore && { spentBefore }),
    ...mirrorsOf(services, record, request),
    ...(retention && { retention }),
    progress: { url: `${services.publicUrl}/v1/runs/${id}/progress`, token: progressToken },
  };
  const tar = await packTar([
    fileEntry(INPUT_FILES.attempt, JSON.stringify(attempt)),
    fileEntry(INPUT_FILES.prompt, request.prompt),
  ]);
  return gzipSync(tar);
}

/** What of it is to be committed. */
const deliveredIn = ({
  delivery,
}: RunState): Pick<AttemptInput, "isDelivered" | "deliveredFolders"> => ({
  ...(delivery && { isDelivered: true as const }),
  ...(delivery?.places && { deliveredFolders: delivery.places.map(({ folder = "" }) => folder) }),
});

/** What the turns before are put onto, if what the last of them delivered conflicts with it. */
async function conflictOf(
  { runs }: Services,
  { delivery, restore }: RunState,
): Promise<Pick<AttemptInput, "onto">> {
  // Of several repositories each is on a commit of its own.
  if (!delivery || delivery.places || restore === null || restore.isWorkspaceOnly) return {};
  const { repository } = (await runs.getRun(restore.runId)) ?? {};
  if (!repository?.conflict || repository.url !== delivery.url) return {};
  const { base } = repository.pullRequest ?? {};
  return { onto: base === undefined ? (delivery.ref ?? "HEAD") : `refs/heads/${base}` };
}

/** What is needed of them by an attempt that reads a repository. */
function mirrorsOf(
  { settings: { mirrorMiB = 0 } }: Services,
  { run }: RunRecord,
  { settings }: ResolvedRequest,
): { mirrors?: MirrorPlace } {
  if (mirrorMiB === 0 || repositoriesOf(settings).length === 0) return {};
  return { mirrors: { prefix: mirrorsPrefix(run.owner), mostBytes: mirrorMiB * 1024 ** 2 } };
}

/** A day more than the request, whose time begins with the end of the run. */
const inputTimeOf = (now: Date, { retention }: RunState): string | undefined =>
  customTimeOf(now, retention?.promptDays && retention.promptDays + 1);

function fileEntry(name: string, text: string) {
  const body = Buffer.from(text, "utf8");
  return { header: { name, size: body.length, mode: 0o600 }, body };
}
