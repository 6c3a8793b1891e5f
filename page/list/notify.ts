import { effect, signal } from "@preact/signals";
import type { Run } from "../../client/types.ts";
import { go, hrefOf } from "../address.ts";
import { say } from "../parts/toast.tsx";
import { api, endedSession, key } from "../session.ts";
import { rowSentence } from "../words/sentence.ts";
import { cut, firstLine } from "../words/shown.ts";
import { markOf } from "../words/status.ts";
import { runs } from "./live-runs.ts";

const STORED = "runyard.notify";
/** How often a page that cannot be seen looks for runs that have ended. */
const LOOK_MS = 60_000;
/** Runs that were accepted so long before it was hidden are looked at too. */
const BEFORE_MS = 3600_000;
const PAGE_SIZE = 100;

/** Whether somebody asked to be told of runs that end. */
export const isNotifying = signal(false);
/** Whether the browser could; it may still refuse. */
export const canNotify = "Notification" in globalThis;

/** Asks the browser, which asks whoever clicked. */
export async function toggleNotifying(): Promise<void> {
  if (!isNotifying.value && (await Notification.requestPermission()) !== "granted") {
    say("The browser does not allow notifications of this page.", { isBad: true });
    return;
  }
  isNotifying.value = !isNotifying.value;
  if (isNotifying.value) localStorage.setItem(STORED, "1");
  else localStorage.removeItem(STORED);
}

/**
 * Tells of runs that end while nobody looks: from what is followed, else by looking once a minute.
 */
export function startNotifying(): void {
  const isAllowed = canNotify && Notification.permission === "granted";
  isNotifying.value = isAllowed && localStorage.getItem(STORED) !== null;
  let before = runs.peek();
  effect(() => {
    const after = runs.value;
    const ended = [...after.values()].filter(
      (run) => run.done && before.get(run.id)?.done === false,
    );
    before = after;
    if (isNotifying.peek() && !document.hasFocus()) for (const run of ended) notify(run);
  });
  const isHidden = signal(document.hidden);
  document.addEventListener("visibilitychange", () => {
    isHidden.value = document.hidden;
  });
  effect(() => {
    if (!isHidden.value || !isNotifying.value || key.value === null) return undefined;
    const looking = new AbortController();
    void lookAgain(looking.signal);
    return () => looking.abort();
  });
}

async function lookAgain(stop: AbortSignal): Promise<void> {
  const atWork = new Set<string>();
  const known = [...runs.peek().values()].filter(({ done }) => !done);
  for (const { id } of known) atWork.add(id);
  const hiddenAt = new Date().toISOString();
  const hourAgo = new Date(Date.now() - BEFORE_MS).toISOString();
  let [from = hourAgo] = [hourAgo, ...known.map(({ createdAt }) => createdAt)].sort();
  while (!stop.aborted) {
    try {
      from = await look({ from, atWork, hiddenAt }, stop);
    } catch (error) {
      // It is tried again; once the page is seen, it says itself what is wrong.
      if (stop.aborted || endedSession(error)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

interface Look {
  /** Runs that were accepted from then on are looked at. */
  from: string;
  /** Ids of those that were not over. */
  atWork: Set<string>;
  hiddenAt: string;
}

/**
 * @returns when the oldest was accepted that is not over: from then on the next look has to begin
 */
async function look({ from, atWork, hiddenAt }: Look, stop: AbortSignal): Promise<string> {
  let oldest = new Date().toISOString();
  let count = 0;
  for await (const run of api().runs.list({ from, pageSize: PAGE_SIZE, signal: stop })) {
    if (!run.done) {
      atWork.add(run.id);
      if (run.createdAt < oldest) oldest = run.createdAt;
    } else if (atWork.delete(run.id) || run.createdAt > hiddenAt) {
      notify(run);
    }
    count += 1;
    if (count === PAGE_SIZE) break;
  }
  return oldest;
}

/** Ids of runs that were told of. */
const told = new Set<string>();

function notify(run: Run): void {
  if (told.has(run.id)) return;
  told.add(run.id);
  const { word } = markOf(run, false);
  const title = `${word}: ${cut(firstLine(run.promptPreview), 80)}`;
  const body = rowSentence(run, { now: Date.now(), queueMs: null });
  const shown = new Notification(title, { body, tag: run.id });
  shown.onclick = () => {
    window.focus();
    go(hrefOf({ run: run.id }));
    shown.close();
  };
}
