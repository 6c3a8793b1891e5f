import type { Clock } from "../wire/clock.ts";

/** Something that wants to be woken once; the agenda owns `wakeAtMs` (Infinity: not at all). */
export interface Wakeable {
  wakeAtMs: number;
}

/** Wakes many things, each at its own time, with one timer of the clock. */
export interface Agenda<T extends Wakeable> {
  /** Wakes `item` at `atMs` (epoch milliseconds) and at no other time. */
  schedule(item: T, atMs: number): void;
  cancel(item: T): void;
  /** Forgets everything and takes its timer back. */
  close(): void;
}

interface Appointment<T> {
  atMs: number;
  item: T;
}

/**
 * A binary heap of appointments. Moving an item's time adds a second appointment; the outdated one
 * is skipped when its turn comes, because its time is no longer the item's `wakeAtMs`.
 */
export function createAgenda<T extends Wakeable>(
  clock: Clock,
  onDue: (item: T) => void,
): Agenda<T> {
  const heap: Appointment<T>[] = [];
  let armedForMs = Number.POSITIVE_INFINITY;
  let disarm = (): void => {};

  function arm(): void {
    let first = heap[0];
    while (first !== undefined && first.item.wakeAtMs !== first.atMs) {
      pop(heap);
      first = heap[0];
    }
    const nextMs = first?.atMs ?? Number.POSITIVE_INFINITY;
    if (nextMs === armedForMs) return;
    disarm();
    armedForMs = nextMs;
    disarm = Number.isFinite(nextMs)
      ? clock.setTimeout(ring, Math.max(0, nextMs - clock.now()))
      : () => {};
  }

  function ring(): void {
    armedForMs = Number.POSITIVE_INFINITY;
    const now = clock.now();
    while (heap[0] !== undefined && heap[0].atMs <= now) {
      const { atMs, item } = pop(heap);
      if (item.wakeAtMs !== atMs) continue;
      item.wakeAtMs = Number.POSITIVE_INFINITY;
      onDue(item);
    }
    arm();
  }

  return {
    schedule(item, atMs) {
      item.wakeAtMs = atMs;
      push(heap, { atMs, item });
      if (atMs < armedForMs) arm();
    },
    cancel(item) {
      item.wakeAtMs = Number.POSITIVE_INFINITY;
    },
    close() {
      heap.length = 0;
      arm();
    },
  };
}

function push<T>(heap: Appointment<T>[], added: Appointment<T>): void {
  let index = heap.length;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Appointment<T>;
    if (above.atMs <= added.atMs) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = added;
}

/** Takes the earliest appointment. Call only while there is one. */
function pop<T>(heap: Appointment<T>[]): Appointment<T> {
  const first = heap[0] as Appointment<T>;
  const moved = heap.pop() as Appointment<T>;
  if (heap.length > 0) sink(heap, moved);
  return first;
}

function sink<T>(heap: Appointment<T>[], moved: Appointment<T>): void {
  let index = 0;
  for (;;) {
    const child = smallerChild(heap, index);
    const below = heap[child];
    if (below === undefined || below.atMs >= moved.atMs) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = moved;
}

function smallerChild<T>(heap: Appointment<T>[], index: number): number {
  const left = heap[2 * index + 1];
  const right = heap[2 * index + 2];
  return right && left && right.atMs < left.atMs ? 2 * index + 2 : 2 * index + 1;
}
