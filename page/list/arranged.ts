import { computed, effect, signal } from "@preact/signals";
import { address } from "../address.ts";
import { roughNow } from "../now.ts";
import { type Group, groupsOf, wordsOf } from "./groups.ts";
import { runs } from "./live-runs.ts";
import { isUnread } from "./unread.ts";

/**
 * The list as it is drawn: a row that would move stays in its place while somebody points at the
 * list.
 */
export const arranged = signal<readonly Group[]>([]);
export const isPointedAt = signal(false);

const STAYS_MS = 3000;

const groups = computed(() =>
  groupsOf(runs.value.values(), {
    now: roughNow.value,
    words: wordsOf(address.value.filter.q),
    isUnread,
  }),
);

/** Keeps {@link arranged}. @returns what stops that */
export function startArranging(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arrange = () => {
    clearTimeout(timer);
    timer = undefined;
    arranged.value = groups.peek();
  };
  const stop = effect(() => {
    const hasRows = groups.value.length > 0 && arranged.peek().length > 0;
    if (!isPointedAt.value || !hasRows) arrange();
    else timer ??= setTimeout(arrange, STAYS_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
    isPointedAt.value = false;
  };
}
