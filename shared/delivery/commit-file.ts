import { parsedJson } from "../json.ts";
import { type Static, Type } from "../schema/type.ts";
import { validatorOf } from "../schema/validate.ts";

/** The output that has what a run changed as a commit takes it, one JSON object a line. */
export const COMMIT_FILE = "commit.jsonl";

/** Bounds of what is delivered; beyond them a run's patch is there all the same. */
export const COMMIT_LIMITS = {
  files: 1000,
  /** Of their contents, together. */
  bytes: 20 * 1024 ** 2,
  /** Of {@link COMMIT_FILE}: base64, and the rest. */
  fileBytes: 32 * 1024 ** 2,
} as const;

/** Modes of a tree that a commit may have: files, executable ones, links. */
const MODES = ["100644", "100755", "120000"] as const;

/** Its first line; of several repositories, that of each, with its entries behind it. */
const Head = Type.Object({
  schemaVersion: Type.Literal(1),
  /** Where in the workspace the repository is. Absent: it is the one alone. */
  folder: Type.Optional(Type.String({ minLength: 1 })),
  /** The commit that the changes are on. */
  base: Type.String({ pattern: "^[0-9a-f]{40}([0-9a-f]{24})?$" }),
  /** Why the changes are not there: one sentence. Absent: they are. */
  without: Type.Optional(Type.String()),
  /** Changed files whose names are not UTF-8, which the host's API cannot take. */
  unnamed: Type.Integer({ minimum: 0 }),
  /** Changed files in submodules, which no commit of this repository has. Absent: none. */
  inSubmodules: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Changed files outside of the repositories that are delivered. Absent: none. */
  elsewhere: Type.Optional(Type.Integer({ minimum: 1 })),
});

const path = Type.String({ minLength: 1, maxLength: 4096 });

/** A changed file: what is in it now, as text or in base64, or that it is gone. */
const Entry = Type.Union([
  Type.Object({ path, mode: Type.Enum([...MODES]), text: Type.String() }),
  Type.Object({ path, mode: Type.Enum([...MODES]), base64: Type.String() }),
  Type.Object({ path, gone: Type.Literal(true) }),
]);
export type CommitEntry = Static<typeof Entry>;

/** What a run changed in a repository since its base commit. */
export interface CommitFile extends Static<typeof Head> {
  entries: CommitEntry[];
}

const validateHead = validatorOf(Head);
const validateEntry = validatorOf(Entry);

/** A path that leads out of a tree, or into git's own data, is in no tree of git's. */
const REFUSED = /(^|\/)(\.{1,2}|\.git|)(\/|$)/i;

/**
 * Reads the file. A runner wrote it, beside an agent: nothing in it is believed.
 *
 * @returns of each repository; undefined if it is not as it must be
 */
export function readCommitFile(content: Buffer): CommitFile[] | undefined {
  const files: CommitFile[] = [];
  let count = 0;
  for (const line of content.toString("utf8").split("\n")) {
    if (line === "") continue;
    const value = parsedJson(line);
    const head = validateHead(value);
    const last = files.at(-1);
    if (head.ok && (last === undefined || head.value.folder !== undefined)) {
      files.push({ ...head.value, entries: [] });
      continue;
    }
    const entry = validateEntry(value);
    count += 1;
    if (!(last && entry.ok) || REFUSED.test(entry.value.path)) return undefined;
    if (count > COMMIT_LIMITS.files) return undefined;
    last.entries.push(entry.value);
  }
  if (files.length === 0) return undefined;
  return files.map((file) => ({ ...file, entries: withoutOverlaps(file.entries) }));
}

/**
 * What is there in the place of a folder or below that of a file takes the other away by itself; to
 * name that too would be to delete what is not there.
 */
function withoutOverlaps(entries: readonly CommitEntry[]): CommitEntry[] {
  const there = new Set(entries.flatMap((entry) => ("gone" in entry ? [] : [entry.path])));
  const folders = new Set([...there].flatMap(foldersOf));
  return entries.filter(
    (entry) =>
      !("gone" in entry) ||
      !(folders.has(entry.path) || foldersOf(entry.path).some((folder) => there.has(folder))),
  );
}

const foldersOf = (path: string): string[] =>
  [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
