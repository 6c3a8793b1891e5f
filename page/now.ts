import { computed, signal } from "@preact/signals";

/** The time, by the second, while the page can be seen. */
export const now = signal(Date.now());

const ROUGHLY_MS = 10_000;

/** The time by ten seconds, for what looks at many runs. */
export const roughNow = computed(() => Math.floor(now.value / ROUGHLY_MS) * ROUGHLY_MS);

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
}

/** Calls `change` whenever the page comes into sight or leaves it. @returns what stops that */
export function onSight(change: (isSeen: boolean) => void): () => void {
  const look = () => change(!document.hidden);
  document.addEventListener("visibilitychange", look);
  return () => document.removeEventListener("visibilitychange", look);
}
