import { sha256 } from "../hash.ts";

/**
 * `lines/{machine type}.{SHA-256 of the owner, hex}`: what one owner has waiting for one machine
 * type.
 */
export interface Line {
  schemaVersion: 1;
  id: string;
  machineType: string;
  ownerHash: string;
  /** Absent once nothing waits, so that only those that wait are found. */
  waiting?: true;
  /** When a run of the line last got a slot; the epoch: none ever did. */
  servedAt: Date;
  /** What an owner's slots are divided by before they are compared; default 1. */
  weight: number;
}

export const lineIdOf = (machineType: string, owner: string): string =>
  `${machineType}.${sha256(owner)}`;

/** What the id of a line is made of. */
export function partsOf(lineId: string): Pick<Line, "machineType" | "ownerHash"> {
  const separator = lineId.lastIndexOf(".");
  return { machineType: lineId.slice(0, separator), ownerHash: lineId.slice(separator + 1) };
}

/** A line that somebody has come to. */
export function waitingLine(before: Line | undefined, id: string): Line {
  const line = { schemaVersion: 1, id, ...partsOf(id), servedAt: new Date(0), weight: 1 };
  return { ...line, ...before, waiting: true } as Line;
}

/**
 * Whose turn it is: the line that holds the fewest slots for its weight; of those the one that was
 * served longest ago.
 */
export function inOrder<L extends { line: Line; held: number }>(lines: readonly L[]): L[] {
  const share = ({ line, held }: L) => held / line.weight;
  return lines.toSorted(
    (a, b) => share(a) - share(b) || a.line.servedAt.getTime() - b.line.servedAt.getTime(),
  );
}
