import { effect, signal } from "@preact/signals";
import { runs } from "../list/live-runs.ts";
import { newsOf } from "../list/news.ts";

/** At most one sentence in so many milliseconds: it tells, it does not chatter. */
const PAUSE_MS = 5000;

const sentence = signal("");

/** Tells screen readers what begins and ends in the list. */
export function startTelling(): void {
  let before = runs.peek();
  let waiting: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    timer = undefined;
    const [first] = waiting;
    if (first === undefined) return;
    sentence.value = waiting.length > 1 ? `${first} ${waiting.length - 1} more changed.` : first;
    waiting = [];
    timer = setTimeout(tell, PAUSE_MS);
  };
  effect(() => {
    waiting.push(...newsOf(before, runs.value));
    before = runs.value;
    if (timer === undefined && waiting.length > 0) tell();
  });
}

export const LiveRegion = () => (
  <div class="sr" role="status">
    {sentence.value}
  </div>
);
