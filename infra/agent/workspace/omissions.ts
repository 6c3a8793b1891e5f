import { MANIFEST_LIMITS } from "../../../shared/documents/manifest.ts";
import {
  OMISSION_CAUSES,
  type Omission,
  type OmissionCause,
  type Omissions,
} from "../../../shared/documents/omissions.ts";
import { isBelow, isTrackedIn, type Known, type Recorded, type States } from "./git-states.ts";
import { type Asked, ranksOf } from "./ignored.ts";

/** One path (bytes as latin1) that is not kept. */
export interface Omitted extends Asked {
  why: OmissionCause;
}

/** What there is to say of the difference between two states. */
export interface OmittedFiles {
  /** Tracked or unignored, in the order of their paths. */
  named: Omitted[];
  ignored: Omitted[];
}

/** What the agent left and the state after it does not hold. */
export async function omittedBy(states: States): Promise<OmittedFiles> {
  const { before, after } = states.recorded;
  if (before === undefined || after === undefined) return { named: [], ignored: [] };
  return sorted(states, omittedBetween(before, after));
}

/** Tells what is ignored from what is not. */
export async function sorted(states: States, all: readonly Omitted[]): Promise<OmittedFiles> {
  const entries = states.recorded.after?.known.values() ?? [];
  const rankOf = await ranksOf(states, { entries, isTracked: isTrackedIn(states) }, all);
  const isIgnored = ({ path }: Omitted) => rankOf(path) === "ignored";
  const inOrder = [...all].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    named: inOrder.filter((one) => !isIgnored(one)),
    ignored: inOrder.filter(isIgnored),
  };
}

/** What is not stored of the later state, and was not so already, unchanged, in the earlier one. */
function omittedBetween(from: Recorded, to: Recorded): Omitted[] {
  const leftOut = (recorded: Recorded): Omitted[] =>
    recorded.leftOut.map(({ path, ...more }) => ({ path: path.toString("latin1"), ...more }));
  const earlier = new Set(leftOut(from).map(({ path, why }) => `${why} ${path}`));
  const there = new Set(leftOut(to).map(({ path }) => path));
  const isSameAs = (path: string, { signature }: Known): boolean => {
    const last = from.known.get(path);
    return last?.isStored === false && last.signature === signature;
  };
  const isGone = (path: string): boolean =>
    !(to.known.has(path) || there.has(path) || isBelow(path, there));
  return [
    ...leftOut(to).filter(({ path, why }) => !earlier.has(`${why} ${path}`)),
    ...notStored(to).flatMap(([path, known]) =>
      isSameAs(path, known) ? [] : omitted(path, known),
    ),
    // What was not stored and is no more: a patch cannot say so.
    ...notStored(from).flatMap(([path, known]) => (isGone(path) ? omitted(path, known) : [])),
  ];
}

const notStored = ({ known }: Recorded): [string, Known][] =>
  [...known].filter(([, { kind, isStored }]) => kind !== "folder" && !isStored);

const omitted = (path: string, { why = "unreadable" }: Known): Omitted[] => [
  { path, isFolder: false, why },
];

/** As the manifest has them. */
export function asOmissions({ named, ignored }: OmittedFiles): Omissions {
  const files = named.slice(0, MANIFEST_LIMITS.omissions).map(shown);
  return { files, moreFiles: named.length - files.length, ignoredFiles: ignored.length };
}

function shown({ path, isFolder, why }: Omitted): Omission {
  const text = Buffer.from(path, "latin1").toString();
  return { path: shortened(text) + (isFolder ? "/" : ""), why };
}

/** A long path without its middle. */
function shortened(path: string): string {
  const characters = Array.from(path);
  const { omissionPathLength: length } = MANIFEST_LIMITS;
  if (characters.length <= length) return path;
  const half = Math.floor((length - 1) / 2);
  return [...characters.slice(0, half), "…", ...characters.slice(-half)].join("");
}

/** Names in one sentence. */
const NAMED = 20;

/** What is left out, one sentence each. */
export function sentencesOf({ named, ignored }: OmittedFiles): string[] {
  const sentences: string[] = [];
  if (named.length > 0) {
    const names = named.slice(0, NAMED).map((one) => {
      const { path, why } = shown(one);
      return `${JSON.stringify(path)} (${OMISSION_CAUSES[why]})`;
    });
    sentences.push(`${count(named.length, "file")} left out: ${enumerated(names, named.length)}.`);
  }
  if (ignored.length > 0) {
    sentences.push(`${count(ignored.length, "ignored file")} left out.`);
  }
  return sentences;
}

/** `1 file is`, `2 files are`. */
export const count = (number: number, what: string): string =>
  number === 1 ? `1 ${what} is` : `${number} ${what}s are`;

/** Names, and how many more there are. */
export const enumerated = (names: readonly string[], total: number): string =>
  total > names.length ? `${names.join(", ")} and ${total - names.length} more` : names.join(", ");
