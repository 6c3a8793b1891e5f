import type { Run } from "../../client/types.ts";
import { shown } from "../words/shown.ts";

type ChangedFile = NonNullable<Run["output"]>["changedFiles"][number];

/** Names of changed files, each with its lines. */
export function ChangedFiles({ files }: { files: readonly Omit<ChangedFile, "status">[] }) {
  return (
    <ul class="files">
      {files.map(({ path, added, removed }) => (
        <li key={path}>
          <span class="grow cut" title={shown(path)}>
            {shown(path)}
          </span>
          <span class="small">
            +{added} −{removed}
          </span>
        </li>
      ))}
    </ul>
  );
}
