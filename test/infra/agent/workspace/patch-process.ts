// Records a workspace, lets a shell script work in it, and says what a run would. As whoever starts
// it.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { recordLeft } from "../../../../infra/agent/workspace/checked-states.ts";
import { openStates, recordState } from "../../../../infra/agent/workspace/git-states.ts";
import {
  needsWorkspaceDiff,
  patchOf,
  writeWorkspaceDiff,
} from "../../../../infra/agent/workspace/patch.ts";

const [root = "", before = "", script = ""] = process.argv.slice(2);
const workspace = join(root, "workspace");
mkdirSync(workspace);
const shell = (text: string) => execFileSync("/bin/bash", ["-ec", text], { cwd: workspace });
shell(before);
const folders = { gitFolder: join(root, "git"), workspace };
const states = await openStates(folders, process.env["PATH"] ?? "");
await recordState(states, "first");
shell(script);
const changes = await patchOf(await recordLeft(states), {
  patchFile: join(root, "patch.diff"),
  maxFiles: 100,
});
if (needsWorkspaceDiff(states)) {
  const file = join(root, "workspace.diff");
  await writeWorkspaceDiff(states, { file, omitted: changes.omitted });
}
process.stdout.write(JSON.stringify(changes));
