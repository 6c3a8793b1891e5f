import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { REPORT_AFTER } from "../../../shared/names.ts";
import { reportAfter } from "../../../shared/run/progress.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { pathsOf } from "../../attempts/attempt-outcome.ts";
import { applyEvent, applyEventOf, claimantOf } from "../../attempts/settle-attempt.ts";
import type { Services } from "../../services/services.ts";
import { bearerToken } from "../callers/auth.ts";
import type { CallOf } from "../http/call.ts";
import { noRun, runIdOf } from "./own-run.ts";

/**
 * `POST /v1/runs/{id}/progress`: a run's own build says what its agent does. Authorized by the
 * attempt's token, which only its input archive holds. A build whose run is over is cancelled.
 */
export async function reportProgress(
  services: Services,
  call: CallOf<"reportProgress">,
): Promise<void> {
  const id = runIdOf(call);
  const tokenHash = sha256(bearerToken(call.request));
  const { attempt, buildId, text, turn, events = [], done = false, opens } = call.body;
  // Without a text: the agent is being started, so the claim is the build's.
  const isClaim = text === "" && events.length === 0;
  const apply = (claimant?: string) =>
    applyEventOf(services, id, (record): RunEvent => {
      refuseStranger(record, attempt, tokenHash);
      refuseOtherBuild(record, buildId, claimant);
      const build = claimantOf(services, record, { buildId });
      return isClaim
        ? { type: "claimed", attempt, build }
        : { type: "progress", attempt, build, text, turn, events, isLast: done };
    });
  const applied = await apply().catch(async (error: unknown) => {
    if (!(error instanceof OtherBuild)) throw error;
    return apply(await claimingBuild(services, error.record));
  });
  if (applied === undefined) throw noRun(id);
  if (applied.record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is over` });
  }
  if (opens !== undefined) {
    await services.publisher.publishRunDelivery({ runId: id, attempt, publicKey: opens });
  }
  const isNoted = applied.changed && !isClaim;
  if (done && !isNoted) await applyEvent(services, applied.record, { type: "finished", attempt });
  const seconds = reportAfter(applied.record, services.now());
  call.response.status(204).set(REPORT_AFTER, `${seconds}`).end();
}

/** @throws {AppError} unauthorized, also to the build of an earlier attempt */
function refuseStranger({ state }: RunRecord, attempt: number, tokenHash: string): void {
  if (state.attempt === attempt && state.progressTokenHash === tokenHash) return;
  throw new AppError("unauthorized", { detail: "not the token of the run's attempt" });
}

/** The report names another build than the run's. */
class OtherBuild extends AppError {
  readonly record: RunRecord;

  constructor(record: RunRecord, buildId: string) {
    super("conflict", { detail: `build ${buildId} is not that of the run's attempt` });
    this.record = record;
  }
}

/**
 * A report's own word for which build it comes from counts for nothing: the run has it from Cloud
 * Build, or the claim has it, which is written once.
 *
 * @param claimant the build that has the claim, if that was looked for
 * @throws {OtherBuild}
 */
function refuseOtherBuild(record: RunRecord, buildId: string, claimant: string | undefined): void {
  const { run, state } = record;
  if (run.done || state.build?.id === buildId || claimant === buildId) return;
  throw new OtherBuild(record, buildId);
}

async function claimingBuild(
  { artifacts }: Services,
  record: RunRecord,
): Promise<string | undefined> {
  const claim = await artifacts.claimOf(pathsOf(record));
  return claim?.by === "build" ? claim.buildId : undefined;
}
