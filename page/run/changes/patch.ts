import { parse } from "diff2html/lib/diff-parser.js";
import type { DiffFile, DiffLine } from "diff2html/lib/types.js";
import { gitName } from "./git-name.ts";

/** A file of a patch. */
export interface ChangedFile {
  name: string;
  /** What became of it beside its lines: new, deleted, renamed, another mode, binary. */
  what: string[];
  added: number;
  removed: number;
  lines: number;
  isBinary: boolean;
  chunks: Chunk[];
}

/** Lines that stand one after the other, at most {@link CHUNK_LINES} of them. */
export interface Chunk {
  /** Where they stand: `Lines 31–38, in readInvoice`; empty: they go on from the chunk before. */
  place: string;
  lines: Line[];
}

export interface Line {
  kind: "added" | "removed" | "same";
  /** Its number before and after; null: it was, or is, not there. */
  before: number | null;
  after: number | null;
  text: string;
}

/** What a patch says: its files, and in its last lines what it leaves out. */
export interface Patch {
  files: ChangedFile[];
  remarks: string[];
}

const CHUNK_LINES = 60;
const REMARK = /^# Runyard: (.*)$/;

export function parsePatch(text: string): Patch {
  return { files: parse(unambiguous(text)).map(fileOf), remarks: remarksOf(text) };
}

/** The remarks are the last lines; within a file no line begins with a sign of a comment. */
function remarksOf(text: string): string[] {
  const remarks: string[] = [];
  for (const line of text.trimEnd().split("\n").toReversed()) {
    const remark = REMARK.exec(line)?.[1];
    if (remark === undefined) break;
    remarks.unshift(remark);
  }
  return remarks;
}

/**
 * The parser takes a carriage return for a line end, and what follows one for no line of the file;
 * and drops git's remark that the last line does not end, wherever it stands. Both are lines'
 * contents here.
 */
function unambiguous(text: string): string {
  return text
    .replaceAll("\r", "␍")
    .replace(/\n\\ No newline at end of file/g, "⟨no line end⟩")
    .replaceAll("\\ No newline at end of file", "\\\u00a0No newline at end of file");
}

const isNone = (name: string): boolean => name === "/dev/null";

function fileOf(file: DiffFile): ChangedFile {
  const { oldName, newName, blocks, addedLines, deletedLines } = file;
  return {
    name: gitName(isNone(newName) ? oldName : newName),
    what: whatOf(file),
    added: addedLines,
    removed: deletedLines,
    lines: blocks.reduce((sum, { lines }) => sum + lines.length, 0),
    isBinary: file.isBinary ?? false,
    chunks: file.isBinary ? [] : blocks.flatMap(chunksOf),
  };
}

function whatOf(file: DiffFile): string[] {
  const { isNew, isDeleted, isRename, isCopy, isBinary, oldName, oldMode, newMode } = file;
  const hasMode = oldMode !== undefined && newMode !== undefined;
  return [
    isNew && "new",
    isDeleted && "deleted",
    isRename && `was ${gitName(oldName)}`,
    isCopy && `copy of ${gitName(oldName)}`,
    hasMode && `mode ${oldMode} → ${newMode}`,
    file.newFileMode === "100755" && "executable",
    (file.newFileMode === "120000" || file.mode === "120000") && "link",
    isBinary && "binary",
  ].filter((word) => typeof word === "string");
}

function chunksOf({ header, lines }: DiffFile["blocks"][number]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < lines.length; from += CHUNK_LINES) {
    const place = from === 0 ? placeOf(header, lines) : "";
    chunks.push({ place, lines: lines.slice(from, from + CHUNK_LINES).map(lineOf) });
  }
  return chunks;
}

function placeOf(header: string, lines: readonly DiffLine[]): string {
  const within = /^@@ [^@]* @@ ?(.*)$/.exec(header)?.[1]?.trim() ?? "";
  const isGone = lines.every(({ type }) => KINDS[type] === "removed");
  const numbers = lines.flatMap(
    ({ oldNumber, newNumber }) => (isGone ? oldNumber : newNumber) ?? [],
  );
  const [first = 1, last = first] = [numbers[0], numbers.at(-1)];
  const span = first === last ? `Line ${first}` : `Lines ${first}–${last}`;
  return `${span}${isGone ? " before" : ""}${within === "" ? "" : `, in ${within}`}`;
}

const KINDS: Readonly<Record<string, Line["kind"]>> = {
  insert: "added",
  delete: "removed",
  context: "same",
};

function lineOf({ type, oldNumber, newNumber, content }: DiffLine): Line {
  const kind = KINDS[type] ?? "same";
  const [before, after] = [oldNumber ?? null, newNumber ?? null];
  return { kind, before, after, text: content.slice(1) };
}
