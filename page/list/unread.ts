import { signal } from "@preact/signals";
import type { Run } from "../../client/types.ts";

const STORED = "runyard.read";
/** Ids that are remembered; the oldest are forgotten, whose runs are no longer listed by then. */
const MOST_IDS = 20_000;
/** Runs that ended before this browser first saw the page are no news. */
const SINCE = "runyard.since";

const read = signal<ReadonlySet<string>>(new Set());
let since = 0;

/** Reads what this browser remembers; other windows' reading counts here as well. */
export function openUnread(): void {
  since = Number(localStorage.getItem(SINCE) ?? Date.now());
  localStorage.setItem(SINCE, String(since));
  const load = () => {
    read.value = new Set(JSON.parse(localStorage.getItem(STORED) ?? "[]") as string[]);
  };
  load();
  addEventListener("storage", ({ key }) => {
    if (key === STORED) load();
  });
}

/** Whether a run is over and nobody has looked since. */
export function isUnread({ id, done, finishedAt }: Run): boolean {
  return done && !read.value.has(id) && Date.parse(finishedAt ?? "") >= since;
}

export function setRead(ids: readonly string[], isRead: boolean): void {
  const draft = new Set(read.value);
  for (const id of ids) {
    draft.delete(id);
    if (isRead) draft.add(id);
  }
  read.value = new Set([...draft].slice(-MOST_IDS));
  localStorage.setItem(STORED, JSON.stringify([...read.value]));
}
