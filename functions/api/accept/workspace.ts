import { repositoriesOf } from "../../../shared/agent/repository.ts";
import type { AgentSettings } from "../../../shared/agent/settings.ts";
import type { GivenWorkspace, SentTree } from "../../../shared/documents/files.ts";
import { UPLOAD_DAYS } from "../../../shared/documents/upload.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Order } from "../../../shared/run/accept.ts";
import { noUpload } from "../../../shared/run/given-files.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import { noRun } from "../runs/own-run.ts";

interface From {
  given: GivenWorkspace | undefined;
  settings: AgentSettings;
}

type Begun = Pick<Order, "workspace" | "settings" | "tree">;

/**
 * What a run's workspace begins with, if that is neither empty nor the settings' repositories.
 *
 * @throws {AppError} not_found, conflict if that run is at work or left nothing, invalid
 */
export async function workspaceFrom(
  services: Pick<Services, "runs" | "uploads">,
  owner: string,
  { given, settings }: From,
): Promise<Begun> {
  if (given === undefined) return { settings };
  const { run, upload, ...ofSender } = given;
  if (run !== undefined && Object.keys(given).length === 1) {
    return workspaceOfRun(services, owner, { run, settings });
  }
  if (upload === undefined || run !== undefined) {
    const detail = "needs run alone, or upload";
    throw invalid([{ pointer: "/workspace", detail }]);
  }
  if (repositoriesOf(settings).length > 0) {
    const detail = "cannot be there together with a repository; leave one of them out";
    throw invalid([{ pointer: "/workspace/upload", detail }]);
  }
  const found = await services.uploads.find(owner, upload);
  if (found === undefined) {
    throw invalid([{ pointer: "/workspace/upload", detail: noUpload(upload) }]);
  }
  return { settings, tree: { upload, ...ofSender, ...found } };
}

/**
 * What a run begins with that shall go on from the files of another, with settings of the same
 * repositories or of none: they are checked out, or a tree unpacked, as they were for that one.
 *
 * @throws {AppError} not_found, conflict if that run is at work or left nothing, invalid
 */
async function workspaceOfRun(
  { runs }: Pick<Services, "runs">,
  owner: string,
  { run, settings }: { run: string; settings: AgentSettings },
): Promise<Begun> {
  const record = await runs.getRecord(run);
  if (record?.run.owner !== owner) throw noRun(run);
  const { session } = record.state;
  if (!record.run.done) {
    const detail = `run ${run} is not over; wait for it or cancel it, and begin with its files then`;
    throw new AppError("conflict", { detail });
  }
  if (session === null) {
    const detail = `run ${run} left no files to begin with: its agent never began, or they are erased`;
    throw new AppError("conflict", { detail });
  }
  const request = await runs.getRequest(session.runId);
  const { repository, repositories } = request?.settings ?? {};
  const same = { ...(repository && { repository }), ...(repositories && { repositories }) };
  const asked = placesOf(settings);
  const began = placesOf(same);
  if (asked.length > 0 && asked.join() !== began.join()) {
    const what =
      began.length > 0 ? `began with ${began.join(" and ")}` : "began without a repository";
    const detail = `is ${run}, which ${what}; leave out the repository, or the workspace`;
    throw invalid([{ pointer: "/workspace/run", detail }]);
  }
  return { workspace: session, settings: { ...settings, ...same }, tree: request?.tree };
}

/** @throws {AppError} upload_expired */
export async function refuseLostTree(
  { uploads }: Pick<Services, "uploads">,
  tree: SentTree | undefined,
): Promise<void> {
  if (tree === undefined || (await uploads.isKept(tree.object))) return;
  const detail = `the working tree ${tree.upload} that this goes on from is no longer kept: it was sent more than ${UPLOAD_DAYS} days ago; send yours as it is now, with a run of its own`;
  throw new AppError("upload_expired", { detail });
}

/** Which repositories are where. */
const placesOf = (settings: Parameters<typeof repositoriesOf>[0]): string[] =>
  repositoriesOf(settings).map(({ folder, url }) => (folder ? `${url} in ${folder}` : url));
