import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { applyAdmittedEvent } from "../../attempts/settle-attempt.ts";
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
  const { attempt, buildId, text, turn, events = [] } = call.body;
  const build = services.builds.refOf(buildId);
  // Without a text: the agent is being started, so the claim is the build's.
  const event: RunEvent =
    text === "" && events.length === 0
      ? { type: "claimed", attempt, build }
      : { type: "progress", attempt, build, text, turn, events };
  const applied = await applyAdmittedEvent(services, id, {
    event,
    admit: (record) => refuseStranger(record, attempt, tokenHash),
  });
  if (applied === undefined) throw noRun(id);
  if (applied.record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is over` });
  }
  call.response.status(204).end();
}

/** @throws {AppError} unauthorized, also to the build of an earlier attempt */
function refuseStranger({ state }: RunRecord, attempt: number, tokenHash: string): void {
  if (state.attempt === attempt && state.progressTokenHash === tokenHash) return;
  throw new AppError("unauthorized", { detail: "not the token of the run's attempt" });
}
