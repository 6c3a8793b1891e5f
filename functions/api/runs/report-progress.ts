import { ReportProgress } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import type { Services } from "../../services.ts";
import { bearerToken, sha256 } from "../callers/auth.ts";
import { validBody } from "../http/body.ts";
import type { Call } from "../http/call.ts";
import { noRun, runIdOf } from "./own-run.ts";

/**
 * `POST /v1/runs/{id}/progress`: a run's own build says what its agent does. Authorized by the
 * attempt's token, which only its input archive holds.
 */
export async function reportProgress(
  services: Services,
  { request, response }: Call,
): Promise<void> {
  const id = runIdOf(request);
  const tokenHash = sha256(bearerToken(request));
  const { attempt, buildId, text, turn, events = [] } = validBody(request, ReportProgress);
  const build = services.builds.refOf(buildId);
  const transacted = await services.runs.transact(id, (record, now) => {
    if (!isAuthorized(record, attempt, tokenHash)) {
      throw new AppError("unauthorized", { detail: "not the token of the run's attempt" });
    }
    // Without a text: the agent is being started, so the claim is the build's.
    const event: RunEvent =
      text === "" && events.length === 0
        ? { type: "claimed", attempt, build }
        : { type: "progress", attempt, build, text, turn, events };
    return next(record, event, now);
  });
  if (transacted === undefined) throw noRun(id);
  if (transacted.record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is over` });
  }
  response.status(204).end();
}

function isAuthorized({ state }: RunRecord, attempt: number, tokenHash: string): boolean {
  return state.attempt === attempt && state.progressTokenHash === tokenHash;
}
