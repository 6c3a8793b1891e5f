import type { Run } from "../../client/types.ts";
import { answeredIds, hasFault, needsAttention } from "../words/attention.ts";
import { dayStart } from "../words/time.ts";

export interface Group {
  title: string;
  runs: Run[];
  /** Rows of two lines, with a sentence. */
  isTall: boolean;
}

export interface Grouping {
  now: number;
  /** Words that all must be in a run's prompt, id, labels or changed files; in lower case. */
  words: readonly string[];
  isUnread(run: Run): boolean;
}

/** The list in its groups: what needs attention, what is at work, then by days; newest first. */
export function groupsOf(runs: Iterable<Run>, { now, words, isUnread }: Grouping): Group[] {
  const all = [...runs];
  const answered = answeredIds(all);
  const fitting =
    words.length === 0
      ? all
      : all.filter((run) => {
          const text = textOf(run);
          return words.every((word) => text.includes(word));
        });
  // Instants of the API are all written alike, so they sort as texts.
  fitting.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const dayOf = daysUntil(now);
  const titled = Map.groupBy(fitting, (run) => {
    const state = {
      isUnread: hasFault(run) && isUnread(run),
      isAnswered: answered.has(run.id),
      now,
    };
    if (needsAttention(run, state)) return ATTENTION;
    return run.done ? dayOf(run) : AT_WORK;
  });
  const first = [ATTENTION, AT_WORK];
  const titles = [...first, ...[...titled.keys()].filter((title) => !first.includes(title))];
  return titles.flatMap((title) => {
    const runs = titled.get(title);
    return runs === undefined ? [] : [{ title, runs, isTall: first.includes(title) }];
  });
}

export const ATTENTION = "Needs attention";
const AT_WORK = "At work";

/** What a run's day is called, where the reader is. */
function daysUntil(now: number): (run: Run) => string {
  const [today, yesterday] = [dayStart(now, 0), dayStart(now, 1)];
  return ({ createdAt }) => {
    if (createdAt >= today) return "Today";
    return createdAt >= yesterday ? "Yesterday" : "Earlier";
  };
}

/** Texts of runs, which do not change. */
const texts = new WeakMap<Run, string>();

function textOf(run: Run): string {
  const known = texts.get(run);
  if (known !== undefined) return known;
  const { promptPreview, id, labelPairs, output } = run;
  const files = output?.changedFiles.map(({ path }) => path) ?? [];
  const text = [promptPreview, id, ...labelPairs, ...files].join("\n").toLowerCase();
  texts.set(run, text);
  return text;
}

/** What is searched for, as {@link Grouping.words}. */
export const wordsOf = (q: string): string[] => q.toLowerCase().split(/\s+/).filter(Boolean);

/** The head of the list: what is at work, what waits, what needs a look. */
export function listSentence(groups: readonly Group[]): string {
  const [attention, atWork] = [ATTENTION, AT_WORK].map(
    (title) => groups.find((group) => group.title === title)?.runs ?? [],
  );
  const working = [...(atWork ?? []), ...(attention ?? [])].filter(({ done }) => !done);
  const running = working.filter(({ status }) => status === "running" || status === "cancelling");
  const parts = [
    running.length > 0 && `${running.length} at work`,
    working.length > running.length && `${working.length - running.length} wait`,
    attention?.length && `${attention.length} need a look`,
  ].filter(Boolean);
  if (parts.length > 0) return parts.join(", ").replace(/\b1 (wait|need)\b/g, "1 $1s");
  return "Nothing is at work";
}
