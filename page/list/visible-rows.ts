import type { Group } from "./groups.ts";

/** Heights in pixels, as the style sheet has them. */
export interface Heights {
  head: number;
  tall: number;
  low: number;
}

/** A group, and which of its rows are drawn; the others only have their room. */
export interface Drawn {
  group: Group;
  rowHeight: number;
  /** Index of the first row that is drawn, and of the first after it that is not. */
  from: number;
  to: number;
}

/**
 * What of the list is drawn if the window shows the part between two heights.
 *
 * @param seen.top in pixels from the list's own top, like `bottom`
 */
export function drawnOf(
  groups: readonly Group[],
  heights: Heights,
  seen: { top: number; bottom: number },
): Drawn[] {
  let top = 0;
  return groups.map((group) => {
    const rowHeight = group.isTall ? heights.tall : heights.low;
    const { length } = group.runs;
    top += heights.head;
    const from = within(Math.floor((seen.top - top) / rowHeight), length);
    const to = within(Math.ceil((seen.bottom - top) / rowHeight), length);
    top += length * rowHeight;
    return { group, rowHeight, from, to };
  });
}

const within = (n: number, length: number): number => Math.min(length, Math.max(0, n));

/** Where the run with an id begins, in pixels from the list's top; undefined: it is not there. */
export function topOf(
  groups: readonly Group[],
  heights: Heights,
  id: string,
): { top: number; height: number } | undefined {
  let top = 0;
  for (const group of groups) {
    const height = group.isTall ? heights.tall : heights.low;
    top += heights.head;
    const index = group.runs.findIndex((run) => run.id === id);
    if (index >= 0) return { top: top + index * height, height };
    top += group.runs.length * height;
  }
  return undefined;
}
