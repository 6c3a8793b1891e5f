import type { RunRequest } from "../../client/types.ts";
import { bytesText } from "../words/amounts.ts";

/**
 * What a run's workspace began with beside its repository; undefined: nothing, or that is not
 * known.
 */
export function originText(request: Pick<RunRequest, "workspace" | "tree"> | null) {
  const { workspace, tree } = request ?? {};
  if (workspace?.run !== undefined) return `the files that ${workspace.run} left`;
  if (tree === undefined) return undefined;
  const { sizeBytes, commit, changed } = tree;
  const at = commit === undefined ? "" : `, commit ${commit.slice(0, 10)}`;
  return `a working tree that was sent (${bytesText(sizeBytes)}${at}${changed ? " with changes" : ""})`;
}
