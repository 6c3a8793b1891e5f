import { statfs } from "node:fs/promises";
import { join } from "node:path";
import {
  type BuildManifest,
  MANIFEST_LIMITS,
  type Output,
} from "../../../shared/documents/manifest.ts";
import { counted } from "../../../shared/text.ts";
import type { AgentOutcome } from "../agent-outcome.ts";
import { passedLines } from "../engines/claude-code/session-lines.ts";
import { type Folders, freeBallast } from "../sandbox/place.ts";
import { isOfFullDisk, messageOf, oneLine } from "../text.ts";
import { recordLeft } from "../workspace/checked-states.ts";
import { asOmissions } from "../workspace/omissions.ts";
import {
  type Changes,
  needsWorkspaceDiff,
  patchOf,
  writeWorkspaceDiff,
} from "../workspace/patch.ts";
import type { AgentSession } from "../workspace/prepare.ts";
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
  | "agent"
  | "facts"
  | "session"
  | "outputs"
  | "changedFiles"
  | "moreChangedFiles"
  | "omitted"
  | "changes"
>;

/** What an attempt leaves, as files of ours. */
export interface Collected {
  files: Prepared[];
  /** Absent: there was no workspace, or the changes could not be had. */
  changes: Changes | undefined;
  /**
   * Name of the file that brings the workspace back, without which nothing goes on from the
   * session.
   */
  state: string;
  problems: string[];
}

/** Uploads what there is. A problem does not stop the rest; it is told in the facts. */
export async function uploadOutcome(
  upload: Upload,
  outcome: AgentOutcome,
  { files, changes, state, problems }: Collected,
): Promise<Uploaded> {
  const { objects, prefix, log } = upload;
  const { agent, beginning, facts, result } = outcome;
  const first = await uploadOutputs(objects, prefix, files);
  const all = [...problems, ...first.failures];
  for (const problem of all) log(`not uploaded: ${problem}`);
  const final = await withProblems(upload.folders, facts, all);
  // It needs no disk: what the agent answered and spent is known wherever there is none.
  const content = Buffer.from(JSON.stringify({ result: result ?? null, facts: final }));
  const resultFile = { ...fileIn(upload.folders, "result.json"), content };
  const last = await uploadOutputs(objects, prefix, [resultFile]);
  const outputs = [...last.outputs, ...withoutOrphans(first.outputs, state)];
  log(`uploaded ${counted(outputs.length, "output")}, ${sum(outputs)} bytes`);
  return {
    agent,
    facts: await withProblems(upload.folders, final, last.failures),
    session: facts.started && beginning ? beginning.session : null,
    outputs,
    changedFiles: changes?.files ?? [],
    moreChangedFiles: changes?.moreFiles ?? 0,
    ...(changes && { omitted: asOmissions(changes.omitted), changes: changes.counts }),
  };
}

/** What the manifest says when nothing could be kept but what is known. */
export function withoutOutputs({ agent, facts }: AgentOutcome, error: unknown): Uploaded {
  const known = { ...facts, error: facts.error ?? messageOf(error) };
  return {
    agent,
    facts: isOfFullDisk(error) ? { ...known, isDiskFull: true } : known,
    session: null,
    outputs: [],
    changedFiles: [],
    moreChangedFiles: 0,
  };
}

const MAX_NOTE_LENGTH = 1000;

export const fileIn = ({ outputs }: Folders, name: string): Prepared =>
  outputFile(name, join(outputs, name));

/** The disk counts as full when something is missing and there is less room than this. */
const LITTLE_ROOM_BYTES = 4 * 1024 ** 2;

async function withProblems(
  { root }: Folders,
  facts: BuildManifest["facts"],
  problems: readonly string[],
): Promise<BuildManifest["facts"]> {
  if (problems.length === 0) return facts;
  const { bavail, bsize } = await statfs(root);
  const isDiskFull = problems.some(isOfFullDisk) || bavail * bsize < LITTLE_ROOM_BYTES;
  const error = facts.error ?? lost(problems);
  return { ...facts, error, ...(isDiskFull && { isDiskFull }) };
}

const lost = (problems: readonly string[]): string =>
  `Outputs are missing: ${oneLine(problems.join("; "), 500)}`;

const sum = (outputs: readonly Output[]): number =>
  outputs.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

/**
 * Takes what the agent left, as far as it can be had, out of its reach: what happens in its
 * workspace and its home afterwards changes nothing of it.
 */
export async function collectOutcome(
  { folders, log }: Pick<Upload, "folders" | "log">,
  { facts, beginning, logs, passed, restored }: AgentOutcome,
): Promise<Collected> {
  await freeBallast(folders);
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
  const collected: Collected = { files, changes: undefined, state: PATCH, problems };
  if (beginning === undefined) return collected;
  const states = await attempt(PATCH, () => recordLeft(beginning.states));
  const patch = fileIn(folders, PATCH);
  const maxFiles = MANIFEST_LIMITS.changedFiles;
  const changes =
    states && (await attempt(PATCH, () => patchOf(states, { patchFile: patch.path, maxFiles })));
  if (changes) files.push(patch);
  for (const note of changes?.notes ?? []) log(oneLine(note, MAX_NOTE_LENGTH));
  if (states && changes && needsWorkspaceDiff(states)) {
    collected.state = WORKSPACE;
    const diff = fileIn(folders, WORKSPACE);
    const { omitted } = changes;
    const next = await attempt(diff.name, () =>
      writeWorkspaceDiff(states, { file: diff.path, omitted }),
    );
    if (next) files.push(diff);
    changes.omitted = next?.omitted ?? omitted;
  }
  collected.changes = changes;
  // What the API has not taken stands in no session, and who goes on with one would not be asked
  // again.
  if (!facts.started || !passed?.begun) return collected;
  const kept = await attempt("session", () =>
    keepSession({ folders, log }, beginning.session, { passed, restored }),
  );
  files.push(...(kept ?? []));
  return collected;
}

/**
 * Copies of the session's files, without what never passed; the session's remark says how much that
 * was.
 */
async function keepSession(
  { folders, log }: Pick<Upload, "folders" | "log">,
  session: AgentSession,
  against: Parameters<typeof passedLines>[1],
): Promise<Prepared[]> {
  let forged = 0;
  const { files, omitted } = await collectSession(folders.home, session.id, {
    copies: folders.outputs,
    whatPassed(content) {
      const { content: kept, dropped } = passedLines(content, against);
      forged += dropped;
      return kept;
    },
  });
  if (omitted > 0) log(`left out of the session: ${counted(omitted, "file")}`);
  if (forged > 0) {
    log(`left out of the session: ${counted(forged, "line")}`);
    session.remark = [session.remark, forgedRemark(forged)].filter(Boolean).join(" ");
  }
  return files;
}

const forgedRemark = (lines: number): string =>
  `The next turn does not know ${lines} ${lines === 1 ? "line" : "lines"} of the session that never passed between the agent and its model.`;

const PATCH = "patch.diff";
const WORKSPACE = "workspace.diff";

/**
 * The session's files belong together with the workspace's state: without it nothing can go on from
 * them.
 */
function withoutOrphans(outputs: readonly Output[], state: string): readonly Output[] {
  if (outputs.some(({ name }) => name === state)) return outputs;
  return outputs.filter(({ name }) => !name.startsWith("session/"));
}
