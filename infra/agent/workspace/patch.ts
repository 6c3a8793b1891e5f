import { appendFile } from "node:fs/promises";
import type { ChangeCounts } from "../../../shared/documents/event.ts";
import type { ChangedFile } from "../../../shared/documents/manifest.ts";
import { committedForm } from "./committed-form.ts";
import { DIFF, saveDiff } from "./diff.ts";
import { changesBetween, runGit } from "./git.ts";
import { isTrackedIn, type States } from "./git-states.ts";
import { ranksOf } from "./ignored.ts";
import { type Bare, bareOfNextTurn, bareOfPatch, isEmpty, linesOf } from "./modes.ts";
import {
  count,
  enumerated,
  type Omitted,
  type OmittedFiles,
  omittedBy,
  sentencesOf,
  sorted,
} from "./omissions.ts";
import { withoutAttempts, withoutSetup } from "./replayed-states.ts";

/** What an agent changed. */
export interface Changes {
  files: ChangedFile[];
  /** All changed paths, and those of files that are not kept. */
  paths: string[];
  /** Changed files beyond the listed ones. */
  moreFiles: number;
  /** What they come to, all of them. */
  counts: ChangeCounts;
  /** What the patch leaves out, one sentence each. */
  notes: string[];
  /** What of the workspace is not kept. */
  omitted: OmittedFiles;
}

interface WantedPatch {
  patchFile: string;
  maxFiles: number;
}

/**
 * Writes what the agent has changed to `patchFile`, in a form that `git apply` takes: text and
 * binary files, links, modes, deletions, ignored and untracked files alike, as git would commit
 * them. Empty if nothing changed. Call only once that is recorded.
 */
export async function patchOf(
  states: States,
  { patchFile, maxFiles }: WantedPatch,
): Promise<Changes> {
  const { after = "" } = states.refs;
  const before = await withoutAttempts(states);
  const changes = await changesBetween(states, before, after);
  const from = await committedForm(states, before, { name: "from", changes, side: "from" });
  const to = await committedForm(states, after, { name: "to", changes, side: "to" });
  const [dropped, listing] = await Promise.all([
    saveDiff(states, { file: patchFile, from, to, ranksOf: ranks(states) }),
    runGit(states, [...DIFF, "--raw", "--numstat", "-z", from, to]),
  ]);
  const omitted = joined(await omittedBy(states), await sorted(states, dropped.map(withoutRoom)));
  const files = readListing(listing);
  const bare = bareOfPatch(states);
  const notes = [
    ...sentencesOf(omitted),
    ...sameOnceCommitted(changes.length - files.length),
    ...sentencesAbout(bare),
  ];
  await addNotes(patchFile, files.length > 0 ? [...basesOf(states), ...notes] : notes);
  states.isPatchWhole =
    from === before &&
    to === after &&
    isEmpty(bare) &&
    isEmpty(await bareOfNextTurn(states, after));
  return {
    files: files.slice(0, maxFiles),
    paths: [...files.map(({ path }) => path), ...pathsOf(omitted)],
    moreFiles: Math.max(0, files.length - maxFiles),
    counts: countsOf(files),
    notes,
    omitted,
  };
}

const pathsOf = ({ named, ignored }: OmittedFiles): string[] =>
  [...named, ...ignored].map(({ path }) => Buffer.from(path, "latin1").toString());

function countsOf(files: readonly ChangedFile[]): ChangeCounts {
  const sum = (side: "added" | "removed") =>
    files.reduce((all, file) => all + (file[side] ?? 0), 0);
  return { files: files.length, added: sum("added"), removed: sum("removed") };
}

/** Whether {@link patchOf}'s patch says less than what the next turn has to restore. */
export const needsWorkspaceDiff = ({ refs, isPatchWhole }: States): boolean =>
  refs.before !== refs.first || !isPatchWhole;

/**
 * Writes what all turns changed since the conversation's first checkout to `file`, in the same
 * form, but byte for byte as it was left, and with empty folders and modes. What setup commands did
 * is not in it, but for files that an agent then changed.
 *
 * Call only after {@link patchOf}.
 *
 * @param omitted what that left out
 * @returns what it leaves out: one sentence each, and all together.
 */
export async function writeWorkspaceDiff(
  states: States,
  { file, omitted }: { file: string; omitted: OmittedFiles },
): Promise<Pick<Changes, "notes" | "omitted">> {
  const { first = "" } = states.refs;
  const kept = await withoutSetup(states);
  const dropped = await saveDiff(states, { file, from: first, to: kept, ranksOf: ranks(states) });
  const all = joined(omitted, await sorted(states, dropped.map(withoutRoom)));
  const { lines, more } = linesOf(await bareOfNextTurn(states, kept));
  for (let at = 0; at < lines.length; at += 1000) {
    await appendFile(file, lines.slice(at, at + 1000).join(""));
  }
  const left = more > 0 ? [`${count(more, "empty folder or mode")} left out.`] : [];
  const notes = [...sentencesOf(all), ...left];
  await addNotes(file, notes);
  return { notes, omitted: all };
}

/** Begins a line that says what a diff leaves out, or on what it applies. */
export const NOTE = "# Runyard: ";

/** What a patch applies on, beside the repository's commit. */
const basesOf = ({ isLaterTurn, isOfOtherRun, movedTo, hasFiles }: States): string[] => [
  ...(isLaterTurn ? [isOfOtherRun ? ON_OTHER_RUN : ON_TURNS_BEFORE] : []),
  ...(movedTo === undefined ? [] : [`They were first merged with the commit ${movedTo}.`]),
  ...(hasFiles ? [ON_FILES] : []),
];

const ON_FILES = "The files of the request are not in it; it applies on them.";

const ON_OTHER_RUN =
  "This run's changes alone; they apply on those of the run that it began with. All are in workspace.diff.";

const ON_TURNS_BEFORE =
  "This turn's changes alone; they apply on those of the turns before. Every turn's are in workspace.diff.";

async function addNotes(file: string, notes: readonly string[]): Promise<void> {
  for (const note of notes) await appendFile(file, `${NOTE}${note}\n`);
}

const withoutRoom = (path: string): Omitted => ({ path, isFolder: false, why: "too_many" });

const joined = (a: OmittedFiles, b: OmittedFiles): OmittedFiles => ({
  named: unique([...a.named, ...b.named]),
  ignored: unique([...a.ignored, ...b.ignored]),
});

const unique = (omitted: readonly Omitted[]): Omitted[] => [
  ...new Map(omitted.map((one) => [one.path, one])).values(),
];

const ranks = (states: States) => (paths: readonly string[]) => {
  const entries = states.recorded.after?.known.values() ?? [];
  const asked = paths.map((path) => ({ path, isFolder: false }));
  return ranksOf(states, { entries, isTracked: isTrackedIn(states) }, asked);
};

function sameOnceCommitted(files: number): string[] {
  if (files <= 0) return [];
  return [
    `${count(files, "changed file")} the same once git has given it its line ends, encoding and $Id$.`,
  ];
}

/** Names in one sentence. */
const NAMED = 10;

function sentencesAbout({ folders, modes }: Bare): string[] {
  const names = (paths: readonly string[]) =>
    enumerated(paths.slice(0, NAMED).map(shown), paths.length);
  const sentences: string[] = [];
  if (folders.length > 0) {
    sentences.push(`No patch holds empty folders: ${names(folders)}.`);
  }
  if (modes.length > 0) {
    sentences.push(`No patch holds the modes of: ${names(modes.map(({ path }) => path))}.`);
  }
  return sentences;
}

const shown = (path: string): string => JSON.stringify(Buffer.from(path, "latin1").toString());

const STATUSES: Record<string, ChangedFile["status"]> = { A: "added", D: "deleted" };

/** Reads `--raw --numstat -z`: first a status for each path, then its counts of lines. */
function readListing(listing: Buffer): ChangedFile[] {
  const fields = listing.toString().split("\0");
  const statuses = new Map<string, ChangedFile["status"]>();
  const files: ChangedFile[] = [];
  for (let index = 0; index < fields.length - 1; index += 1) {
    const field = fields[index] ?? "";
    if (field.startsWith(":")) {
      index += 1;
      statuses.set(fields[index] ?? "", STATUSES[field.at(-1) ?? ""] ?? "modified");
      continue;
    }
    const [, added, removed, path] = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(field) ?? [];
    if (path === undefined) continue;
    const lines = (value = "-"): number | null => (value === "-" ? null : Number(value));
    const status = statuses.get(path) ?? "modified";
    files.push({ path, status, added: lines(added), removed: lines(removed) });
  }
  return files;
}
