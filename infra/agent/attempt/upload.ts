import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BuildManifest,
  MANIFEST_LIMITS,
  type Output,
} from "../../../shared/documents/manifest.ts";
import type { AgentOutcome } from "../agent-work.ts";
import type { Folders } from "../sandbox/place.ts";
import { messageOf, oneLine } from "../text.ts";
import {
  type Changes,
  needsWorkspaceDiff,
  writePatch,
  writeWorkspaceDiff,
} from "../workspace/patch.ts";
import type { Beginning } from "../workspace/prepare.ts";
import type { Objects } from "./objects.ts";
import { collectSession, outputFile, type Prepared, uploadOutputs } from "./outputs.ts";

export interface Upload {
  folders: Folders;
  objects: Objects;
  /** Of the outputs' names, ending in `/`. */
  prefix: string;
  log(line: string): void;
}

/** What the manifest says of an attempt's outcome. */
export type Uploaded = Pick<
  BuildManifest,
  "agent" | "facts" | "session" | "outputs" | "changedFiles" | "moreChangedFiles"
>;

/** Uploads what there is. A problem does not stop the rest; it is told in the facts. */
export async function uploadOutcome(upload: Upload, outcome: AgentOutcome): Promise<Uploaded> {
  const { objects, prefix, log } = upload;
  const { agent, beginning, facts, result } = outcome;
  const { files, changes, problems } = await collect(upload, outcome);
  const first = await uploadOutputs(objects, prefix, files);
  const all = [...problems, ...first.failures];
  for (const problem of all) log(`not uploaded: ${problem}`);
  const final = withProblems(facts, all);
  const resultFile = fileIn(upload.folders, "result.json");
  await writeFile(resultFile.path, JSON.stringify({ result: result ?? null, facts: final }));
  const last = await uploadOutputs(objects, prefix, [resultFile]);
  const outputs = [...last.outputs, ...withoutOrphans(first.outputs, beginning)];
  log(`uploaded ${outputs.length} outputs, ${sum(outputs)} bytes`);
  return {
    agent,
    facts: withProblems(final, last.failures),
    session: facts.started && beginning ? beginning.session : null,
    outputs,
    changedFiles: changes?.files ?? [],
    moreChangedFiles: changes?.moreFiles ?? 0,
  };
}

const fileIn = ({ outputs }: Folders, name: string): Prepared =>
  outputFile(name, join(outputs, name));

const withProblems = (facts: BuildManifest["facts"], problems: readonly string[]) =>
  problems.length === 0 ? facts : { ...facts, error: facts.error ?? lost(problems) };

const lost = (problems: readonly string[]): string =>
  `Outputs are missing: ${oneLine(problems.join("; "), 500)}`;

const sum = (outputs: readonly Output[]): number =>
  outputs.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

/** The files to upload, as far as they can be had. */
async function collect(
  { folders, log }: Upload,
  { facts, beginning, logs }: AgentOutcome,
): Promise<{ files: Prepared[]; changes: Changes | undefined; problems: string[] }> {
  const problems: string[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const files = logs.map((name) => fileIn(folders, name));
  if (beginning === undefined) return { files, changes: undefined, problems };
  const { session, states } = beginning;
  const patch = fileIn(folders, "patch.diff");
  const maxFiles = MANIFEST_LIMITS.changedFiles;
  const changes = await attempt(patch.name, () =>
    writePatch(states, { patchFile: patch.path, maxFiles }),
  );
  if (changes) files.push(patch);
  for (const note of changes?.notes ?? []) log(note);
  if (changes && needsWorkspaceDiff(states)) {
    const diff = fileIn(folders, WORKSPACE);
    const notes = await attempt(diff.name, () => writeWorkspaceDiff(states, diff.path));
    if (notes) files.push(diff);
    for (const note of notes ?? []) log(`for the next turn: ${note}`);
  }
  if (!facts.started) return { files, changes, problems };
  const kept = await attempt("session", () =>
    collectSession(folders.home, session.id, folders.outputs),
  );
  files.push(...(kept?.files ?? []));
  if (kept?.omitted) log(`${kept.omitted} files of the session are left out`);
  return { files, changes, problems };
}

const WORKSPACE = "workspace.diff";

/** The session's files belong together with the workspace's state: without it nothing can go on from them. */
function withoutOrphans(
  outputs: readonly Output[],
  beginning: Beginning | undefined,
): readonly Output[] {
  if (beginning === undefined) return outputs;
  const state = needsWorkspaceDiff(beginning.states) ? WORKSPACE : "patch.diff";
  if (outputs.some(({ name }) => name === state)) return outputs;
  return outputs.filter(({ name }) => !name.startsWith("session/"));
}
