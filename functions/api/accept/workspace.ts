import type { AgentSettings } from "../../../shared/agent/settings.ts";
import type { GivenWorkspace } from "../../../shared/documents/files.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import { noRun } from "../runs/own-run.ts";

/**
 * What a run begins with that shall go on from the files of another, with settings of this
 * repository or of none: it is checked out as it was for that one.
 *
 * @throws {AppError} not_found, conflict if that run is at work or left nothing, invalid
 */
export async function workspaceFrom(
  { runs }: Pick<Services, "runs">,
  owner: string,
  { given, settings }: { given: GivenWorkspace | undefined; settings: AgentSettings },
): Promise<Pick<Order, "workspace" | "settings">> {
  if (given === undefined) return { settings };
  const record = await runs.getRecord(given.run);
  if (record?.run.owner !== owner) throw noRun(given.run);
  const { session } = record.state;
  if (!record.run.done) {
    const detail = `run ${given.run} is not over; wait for it or cancel it, and begin with its files then`;
    throw new AppError("conflict", { detail });
  }
  if (session === null) {
    const detail = `run ${given.run} left no files to begin with: its agent never began, or they are erased`;
    throw new AppError("conflict", { detail });
  }
  const request = await runs.getRequest(session.runId);
  const { repository } = request?.settings ?? {};
  const isSame = (settings.repository?.url ?? repository?.url) === repository?.url;
  if (!isSame) {
    const began = repository ? `began with ${repository.url}` : "began without a repository";
    const detail = `is ${given.run}, which ${began}; leave out the repository, or the workspace`;
    throw invalid([{ pointer: "/workspace/run", detail }]);
  }
  return { workspace: session, settings: { ...settings, ...(repository && { repository }) } };
}
