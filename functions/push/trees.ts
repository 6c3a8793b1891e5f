import type { CommitEntry } from "../../shared/delivery/commit-file.ts";
import { type GitObject, type GitObjects, idOf } from "./pack.ts";

const TREE_MODE = "40000";

/** What a tree has under a name (bytes as latin1). */
interface Row {
  mode: string;
  id: string;
}

/** What becomes of a folder: by a name another folder, a file, or null: it is gone. */
interface Change {
  [name: string]: Change | Row | null;
}

const isRow = (change: Change | Row): change is Row => typeof change["id"] === "string";

/**
 * Makes a tree of another and what has changed.
 *
 * @param base the other's id; its trees are among `objects`
 * @returns its id, and the objects that are new
 * @throws {SyntaxError} if what is there is no tree
 */
export function treeWith(
  objects: GitObjects,
  base: string,
  entries: readonly CommitEntry[],
): { id: string; made: GitObject[] } {
  const made = new Map<string, GitObject>();
  const keep = (object: GitObject): string => {
    const id = idOf(object);
    if (!objects.has(id)) made.set(id, object);
    return id;
  };
  const change: Change = Object.create(null);
  for (const entry of entries) place(change, entry, keep);
  const id = changed(base, change, { objects, keep }) ?? keep({ kind: "tree", content: EMPTY });
  return { id, made: [...made.values()] };
}

const EMPTY = Buffer.alloc(0);

type Keep = (object: GitObject) => string;

function place(top: Change, entry: CommitEntry, keep: Keep): void {
  const names = Buffer.from(entry.path).toString("latin1").split("/");
  const last = names.pop() ?? "";
  let at = top;
  for (const name of names) {
    const next = at[name] ?? Object.create(null);
    if (isRow(next)) throw new SyntaxError("a file below a file");
    at[name] = next;
    at = next;
  }
  if ("gone" in entry) {
    at[last] ??= null;
    return;
  }
  const content = "text" in entry ? Buffer.from(entry.text) : Buffer.from(entry.base64, "base64");
  at[last] = { mode: entry.mode, id: keep({ kind: "blob", content }) };
}

interface Making {
  objects: GitObjects;
  keep: Keep;
}

/** @returns a tree's id; undefined: nothing is left in it */
function changed(base: string | undefined, change: Change, making: Making): string | undefined {
  const rows = base === undefined ? new Map<string, Row>() : rowsOf(making.objects, base);
  for (const [name, next] of Object.entries(change)) {
    const row = rowOf(rows.get(name), next, making);
    if (row === undefined) rows.delete(name);
    else rows.set(name, row);
  }
  if (rows.size === 0) return undefined;
  return making.keep({ kind: "tree", content: contentOf(rows) });
}

/** @returns what is then under a name; undefined: nothing */
function rowOf(
  before: Row | undefined,
  next: Change | Row | null,
  making: Making,
): Row | undefined {
  if (next === null || isRow(next)) return next ?? undefined;
  const isFolder = before?.mode === TREE_MODE;
  const id = changed(isFolder ? before.id : undefined, next, making);
  if (id !== undefined) return { mode: TREE_MODE, id };
  // What is gone from a folder that was none takes nothing else away.
  return isFolder ? undefined : before;
}

/** @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_tree_objects */
function rowsOf(objects: GitObjects, id: string): Map<string, Row> {
  const tree = objects.get(id);
  if (tree?.kind !== "tree") throw new SyntaxError("a tree is missing");
  const { content } = tree;
  const rows = new Map<string, Row>();
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(0, at);
    const [, mode, name] =
      /^([0-7]{5,6}) ([^/]+)$/s.exec(content.toString("latin1", at, end)) ?? [];
    if (end < 0 || mode === undefined || name === undefined || end + 21 > content.length) {
      throw new SyntaxError("no tree");
    }
    rows.set(name, {
      mode: mode.replace(/^0/, ""),
      id: content.toString("hex", end + 1, end + 21),
    });
    at = end + 21;
  }
  return rows;
}

/** Git's order: by bytes, as if folders ended with a slash. */
function contentOf(rows: ReadonlyMap<string, Row>): Buffer {
  const keyOf = ([name, { mode }]: [string, Row]) => (mode === TREE_MODE ? `${name}/` : name);
  const sorted = [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return Buffer.concat(
    sorted.flatMap(([name, { mode, id }]) => [
      Buffer.from(`${mode} ${name}\0`, "latin1"),
      Buffer.from(id, "hex"),
    ]),
  );
}
