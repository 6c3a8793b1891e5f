import { signal } from "@preact/signals";
import type { Client } from "../../client/client.ts";
import { ProblemError } from "../../client/problem-error.ts";
import type { Run } from "../../client/types.ts";
import { type Filter, USUAL_DAYS } from "../address.ts";
import { endedSession } from "../session.ts";
import { daysAgo } from "../words/time.ts";

/** The runs that fit the filter, by id; a new map with each change. */
export const runs = signal<ReadonlyMap<string, Run>>(new Map());
/** Whether all runs that fit are there; until then they come page by page. */
export const isLoaded = signal(false);
/** Since when nothing was heard, in milliseconds since the epoch; null: the connection is there. */
export const lostSince = signal<number | null>(null);
/** What a stream says of its connection. */
export function onConnection(isThere: boolean): void {
  lostSince.value = isThere ? null : (lostSince.value ?? Date.now());
}
/** What the API has against the filter; null: nothing. */
export const refusal = signal<string | null>(null);

/** As many runs as a page holds; older ones are found by a filter. */
const MOST_RUNS = 10_000;
const PAGE_SIZE = 100;
/** Wait before a lost connection is tried again, in milliseconds. */
const AGAIN_MS = 4000;
/** How often the agents' progress is asked for, which the stream of the list leaves out. */
const PROGRESS_MS = 10_000;

type Query = NonNullable<Parameters<Client["runs"]["list"]>[0]>;
type Draft = Map<string, Run>;

/** The API's query for a filter; the day it begins with is fixed when the list is opened. */
function queryOf(filter: Filter): Query {
  const { status, agent, label, conversation, days } = filter;
  const given = Object.entries({ status, agent, label, conversation }).filter(([, value]) => value);
  const from = daysAgo(Number(days || USUAL_DAYS), Date.now());
  return { ...(Object.fromEntries(given) as Query), from };
}

/** What {@link runs} are of, and how far their changes are known. */
interface Place {
  client: Client;
  filter: string;
  /** Position of the last change; undefined: they are listed anew. */
  position: string | undefined;
}

let place: Place | undefined;

/**
 * Keeps {@link runs} as the API has them, until `signal` aborts; goes on by itself, and after what
 * is known of the same list.
 */
export async function followRuns(
  client: Client,
  filter: Filter,
  signal: AbortSignal,
): Promise<void> {
  const query = queryOf(filter);
  const followed = placeOf(client, filter);
  refusal.value = null;
  const progress = setInterval(() => void askProgress(client, query, signal), PROGRESS_MS);
  signal.addEventListener("abort", () => clearInterval(progress), { once: true });
  while (!signal.aborted) {
    try {
      await followOnce(followed, query, signal);
    } catch (error) {
      if (signal.aborted || endedSession(error)) return;
      if (isRefusal(error)) {
        refusal.value = error.detail;
        return;
      }
      if (error instanceof ProblemError && error.code === "events_expired") forget(followed);
      else onConnection(false);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** The place in this list, if it is the one that was followed last. */
function placeOf(client: Client, { q: _q, ...filter }: Filter): Place {
  const asked = JSON.stringify(filter);
  if (place?.client === client && place.filter === asked) return place;
  place = { client, filter: asked, position: undefined };
  forget(place);
  return place;
}

function forget(followed: Place): void {
  followed.position = undefined;
  draft = new Map();
  showChanges();
  isLoaded.value = false;
}

const isRefusal = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && error.status >= 400 && error.status < 410;

/**
 * From `ready` on nothing is missed; the list is read beside, and what the stream says later wins.
 */
async function followOnce(followed: Place, query: Query, signal: AbortSignal): Promise<void> {
  const { client } = followed;
  const after = isLoaded.value ? followed.position : undefined;
  for await (const change of client.runs.follow({ ...query, after, signal, onConnection })) {
    followed.position = change.position;
    if (change.type === "run") changed((draft) => put(draft, change.run));
    else if (change.type === "gone") changed((draft) => draft.delete(change.id));
    else if (!isLoaded.value) void listAll(client, query, signal);
  }
}

/** Lists until all is there: the stream alone would not say what was before it. */
async function listAll(client: Client, query: Query, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !isLoaded.value) {
    try {
      await listOnce(client, query, signal);
      showChanges();
      isLoaded.value = true;
    } catch (error) {
      if (signal.aborted || endedSession(error) || isRefusal(error)) return;
      onConnection(false);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

async function listOnce(client: Client, query: Query, signal: AbortSignal): Promise<void> {
  const page: Run[] = [];
  const take = () =>
    changed((draft) => {
      for (const run of page.splice(0)) put(draft, run);
    });
  let count = 0;
  for await (const run of client.runs.list({ ...query, pageSize: PAGE_SIZE, signal })) {
    page.push(run);
    count += 1;
    if (page.length === PAGE_SIZE) take();
    if (count === MOST_RUNS) break;
  }
  take();
  onConnection(true);
}

/** What agents do, of the runs at work; only while somebody may look, and there are any. */
async function askProgress(client: Client, query: Query, signal: AbortSignal): Promise<void> {
  const isAny = [...runs.value.values()].some(({ status }) => status === "running");
  if (!isAny || document.hidden || (query.status ?? "running") !== "running") return;
  try {
    const found: Run[] = [];
    const asked = { ...query, status: "running" as const, pageSize: PAGE_SIZE, signal };
    for await (const run of client.runs.list(asked)) {
      if (found.push(run) === PAGE_SIZE) break;
    }
    changed((draft) => {
      for (const run of found) put(draft, run);
    });
  } catch {
    // The stream says so when the connection is lost.
  }
}

/** Changes that are not shown yet. */
let draft: Draft | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let shownAt = Number.NEGATIVE_INFINITY;
/** Many changes are shown at once: each time the whole list is arranged anew; in milliseconds. */
const TOGETHER_MS = 250;

function changed(change: (draft: Draft) => void): void {
  draft ??= new Map(runs.value);
  change(draft);
  timer ??= setTimeout(showChanges, shownAt + TOGETHER_MS - performance.now());
}

function showChanges(): void {
  clearTimeout(timer);
  timer = undefined;
  if (draft === undefined) return;
  shownAt = performance.now();
  runs.value = draft;
  draft = undefined;
}

/** Puts a run in, unless a later state of it is known. */
function put(draft: Draft, run: Run): void {
  const known = draft.get(run.id);
  if (known === undefined || versionOf(run) >= versionOf(known))
    draft.set(run.id, kept(run, known));
}

/** The stream leaves the progress out: what was known of the same status still holds. */
function kept(run: Run, known: Run | undefined): Run {
  if (run.progress !== null || known === undefined || run.status !== known.status) return run;
  return { ...run, progress: known.progress };
}

const versionOf = ({ history }: Run): number => history.at(-1)?.version ?? 0;
