import type { TreeEntry } from "./tree.ts";

/** What may be kept at one time. */
export interface Room {
  bytes: number;
  /** Files that are not tracked. */
  files: number;
}

/** Of an entry, in the order in which they come: what a loss of it would be. */
export type Rank = "tracked" | "unignored" | "ignored";

/**
 * Where a repository would be small: files beyond this size wait until the others have their place.
 */
const SMALL_BYTES = 1024 * 1024;

/**
 * The entries that there is room for: tracked ones first, then what is not ignored, then the rest.
 * Among equals the small ones come first, and each folder has its turn, so that a bulk in one of
 * them takes nothing from the others.
 */
export function chooseWithin(
  entries: readonly TreeEntry[],
  room: Room,
  rankOf: (entry: TreeEntry) => Rank,
): Set<TreeEntry> {
  const ranked: Record<Rank, TreeEntry[]> = { tracked: [], unignored: [], ignored: [] };
  for (const entry of entries) ranked[rankOf(entry)].push(entry);
  const chosen = new Set<TreeEntry>();
  let { bytes, files } = room;
  for (const rank of ["tracked", "unignored", "ignored"] as const) {
    for (const entry of inOrder(ranked[rank])) {
      const counts = rank === "tracked" ? 0 : 1;
      if (entry.sizeBytes > bytes || counts > files) continue;
      chosen.add(entry);
      bytes -= entry.sizeBytes;
      files -= counts;
    }
  }
  return chosen;
}

function inOrder(entries: readonly TreeEntry[]): TreeEntry[] {
  const bySize = [...entries].sort((a, b) => a.sizeBytes - b.sizeBytes);
  const small = bySize.filter(({ sizeBytes }) => sizeBytes <= SMALL_BYTES);
  return [...inTurns(small), ...bySize.slice(small.length)];
}

interface Folder {
  files: TreeEntry[];
  folders: Map<string, Folder>;
}

/** Entries so that each folder has its turn, and in it each of its folders. */
function inTurns(entries: readonly TreeEntry[]): TreeEntry[] {
  const top: Folder = { files: [], folders: new Map() };
  for (const entry of entries) {
    let at = top;
    for (const name of entry.path.toString("latin1").split("/").slice(0, -1)) {
      const next = at.folders.get(name) ?? { files: [], folders: new Map() };
      at.folders.set(name, next);
      at = next;
    }
    at.files.push(entry);
  }
  return turnsOf(top);
}

function turnsOf({ files, folders }: Folder): TreeEntry[] {
  const flows = [files, ...[...folders.values()].map(turnsOf)].filter(({ length }) => length > 0);
  if (flows.length === 1) return flows[0] ?? [];
  const order: TreeEntry[] = [];
  let open = flows;
  for (let turn = 0; open.length > 0; turn += 1) {
    for (const flow of open) order.push(flow[turn] as TreeEntry);
    open = open.filter(({ length }) => length > turn + 1);
  }
  return order;
}
