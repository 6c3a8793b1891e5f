import type { Run } from "../documents/run.ts";
import { counted } from "../text.ts";
import type { CommitFile } from "./commit-file.ts";

/** What of a run's workspace is in no commit, a sentence each. */
export function missingOf(
  { output }: Pick<Run, "output">,
  {
    unnamed,
    inSubmodules = 0,
    elsewhere = 0,
  }: Pick<CommitFile, "unnamed" | "inSubmodules" | "elsewhere">,
): string[] {
  const { files = [], moreFiles = 0 } = output?.omitted ?? {};
  const omitted = files.length + moreFiles + unnamed;
  return [
    ...(omitted === 0 ? [] : [`Not in it: ${omitted} files that the run could not keep.`]),
    ...(inSubmodules === 0
      ? []
      : [
          `Not in it: ${counted(inSubmodules, "changed file")} in submodules, which are repositories of their own; the patch has them.`,
        ]),
    ...(elsewhere === 0
      ? []
      : [
          `Not in it: ${counted(elsewhere, "changed file")} outside of the repositories that are delivered; the patch has them.`,
        ]),
  ];
}
