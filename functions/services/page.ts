/** Where an item stands in a list: by what the list is in the order of, then by the item's id. */
export interface Position {
  /** Milliseconds since 1970, or a version. */
  rank: number;
  id: string;
}

/** A part of a list: at most `limit` items, from the first or from the one after `after`. */
export interface Part {
  limit: number;
  after?: Position | undefined;
}

/** Where an item stands in a list whose newest item comes first. */
export function positionOf({ createdAt, id }: { createdAt: Date; id: string }): Position {
  return { rank: createdAt.getTime(), id };
}
