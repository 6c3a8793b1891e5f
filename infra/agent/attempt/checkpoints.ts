import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type AttemptPaths, checkpointObject } from "../../../shared/documents/attempt.ts";
import type { ChangeCounts } from "../../../shared/documents/event.ts";
import {
  type AgentFacts,
  type BuildManifest,
  type Checkpoint,
  MANIFEST_LIMITS,
  type Output,
} from "../../../shared/documents/manifest.ts";
import { sha256 } from "../../../shared/hash.ts";
import { counted } from "../../../shared/text.ts";
import { passedLines } from "../engines/claude-code/session-lines.ts";
import type { Folders } from "../sandbox/place.ts";
import { withoutChecks } from "../workspace/checked-states.ts";
import { liveStates, type PatchLimits, recordState, type States } from "../workspace/git-states.ts";
import { asOmissions } from "../workspace/omissions.ts";
import { needsWorkspaceDiff, patchOf, writeWorkspaceDiff } from "../workspace/patch.ts";
import type { Beginning } from "../workspace/prepare.ts";
import { withinBounds } from "./manifest.ts";
import type { Objects } from "./objects.ts";
import { collectSession, outputFile, type Prepared } from "./outputs.ts";

/** What a checkpoint holds of a workspace: less than the attempt's end, so that it stays cheap. */
const LIMITS: PatchLimits = {
  fileBytes: 8 * 1024 ** 2,
  treeBytes: 32 * 1024 ** 2,
  files: 10_000,
  patchBytes: 32 * 1024 ** 2,
};
/** What all checkpoints of an attempt may put on the runner's disk. */
const MAX_DISK_BYTES = 4 * 1024 ** 3;

export interface CheckpointOptions {
  folders: Folders;
  objects: Objects;
  paths: AttemptPaths;
  beginning: Beginning;
  /** What the session's lines are held against. */
  against(): Parameters<typeof passedLines>[1];
  /** The fields of a manifest that stay as they are. */
  head: Omit<BuildManifest, "endedAt" | "facts" | keyof Contents>;
  /** Undefined: there is nothing yet that could be gone on from. */
  facts(): AgentFacts | undefined;
  /** Is told what the changes come to, with each checkpoint. */
  onChanges(changes: ChangeCounts): void;
  now(): Date;
  log(line: string): void;
}

type Contents = Pick<
  BuildManifest,
  "session" | "outputs" | "changedFiles" | "moreChangedFiles" | "omitted" | "changes"
>;

/**
 * Stores what an attempt has come to while its agent works: its session, and then what it has
 * changed, so that no session knows of files that are not there. Of the files only those are stored
 * that differ from the checkpoint before; if none does, there is no checkpoint.
 *
 * @returns takes one
 */
export function checkpointing(options: CheckpointOptions): () => Promise<void> {
  const { folders, objects, paths, beginning, head, now, log } = options;
  let live = liveStates(beginning.states, LIMITS);
  let changes: Changed | undefined;
  const stored = new Map<string, Output>();
  let number = 0;
  /** Objects that no checkpoint names yet. */
  let created = 0;
  let isFull = false;

  const record = async (): Promise<boolean> => {
    if (live.checked !== beginning.states.checked) {
      // The agent was given back what it left: it goes on from there.
      live = liveStates(beginning.states, LIMITS);
      changes = undefined;
    }
    return recordState(live, "after");
  };

  return async () => {
    const facts = options.facts();
    if (facts === undefined || isFull) return;
    isFull = (await diskBytes(folders.git)) > MAX_DISK_BYTES;
    if (isFull) return log("no more checkpoints: what they put on the disk has no room");
    const startedAt = now();
    number += 1;
    const copies = join(folders.outputs, "checkpoint");
    await mkdir(copies, { recursive: true });
    const session = await sessionFiles(options, copies);
    if ((await record()) || changes === undefined) {
      changes = await changesIn(await withoutChecks(live), copies);
    }
    const { files, ...contents } = changes;
    const outputs: Output[] = [];
    for (const file of [...files, ...session]) {
      const digest = sha256(await readFile(file.path));
      const last = stored.get(file.name);
      if (last?.sha256 === digest) {
        outputs.push(last);
        continue;
      }
      created += 1;
      const output = await uploaded(objects, `${paths.checkpoints}${number}/`, file);
      stored.set(file.name, output);
      outputs.push(output);
    }
    if (created === 0) return;
    const checkpoint: Checkpoint = {
      ...head,
      endedAt: now().toISOString(),
      facts,
      ...contents,
      session: beginning.session,
      outputs,
      number,
    };
    await objects.createOnce(checkpointObject(paths, number), withinBounds(checkpoint));
    const ms = now().getTime() - startedAt.getTime();
    log(`checkpoint ${number}: ${counted(created + 1, "object")} in ${ms} ms`);
    created = 0;
    options.onChanges(contents.changes);
  };
}

async function uploaded(
  objects: Objects,
  prefix: string,
  { name, path, contentType }: Prepared,
): Promise<Output> {
  const object = prefix + name;
  return { name, object, contentType, ...(await objects.upload(object, path, contentType)) };
}

/** Copies of the session's files. */
async function sessionFiles(
  { folders, beginning, against }: CheckpointOptions,
  copies: string,
): Promise<Prepared[]> {
  const { files } = await collectSession(folders.home, beginning.session.id, {
    copies,
    isLive: true,
    whatPassed: (content) => passedLines(content, against()).content,
  });
  return files;
}

type Changed = Omit<Contents, "session" | "outputs"> & {
  changes: ChangeCounts;
  files: Prepared[];
};

/** What was recorded last, as files. */
async function changesIn(states: States, copies: string): Promise<Changed> {
  const patch = outputFile("patch.diff", join(copies, "patch.diff"));
  const maxFiles = MANIFEST_LIMITS.changedFiles;
  const changes = await patchOf(states, { patchFile: patch.path, maxFiles });
  const files = [patch];
  let { omitted } = changes;
  if (needsWorkspaceDiff(states)) {
    const diff = outputFile("workspace.diff", join(copies, "workspace.diff"));
    omitted = (await writeWorkspaceDiff(states, { file: diff.path, omitted })).omitted;
    files.push(diff);
  }
  return {
    files,
    changedFiles: changes.files,
    moreChangedFiles: changes.moreFiles,
    changes: changes.counts,
    omitted: asOmissions(omitted),
  };
}

/** Bytes of the files in a folder and below it. */
async function diskBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  const sizes = entries.map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found?.isFile() ? found.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
