import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { chooseWithin, type Rank } from "./choice.ts";
import { changesBetween, gitOn } from "./git.ts";
import type { States } from "./git-states.ts";

export const DIFF = [
  "diff-tree",
  "-r",
  "--no-ext-diff",
  "--no-textconv",
  "--no-renames",
  "--no-color",
];

interface Wanted {
  file: string;
  from: string;
  to: string;
  /** Of paths (bytes as latin1); asked only if there is not room for all. */
  ranksOf(paths: readonly string[]): Promise<(path: string) => Rank>;
}

/**
 * Writes the patch between two commits to a file, as much of it as the limits allow.
 *
 * @returns the paths that are not in it, as latin1.
 */
export async function saveDiff(states: States, wanted: Wanted): Promise<string[]> {
  const { file, from, to, ranksOf } = wanted;
  const { patchBytes } = states.limits;
  const sizes = await write(states, wanted, { maxBytes: patchBytes });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= patchBytes) return [];
  const changes = await changesBetween(states, from, to);
  // What becomes a link, or a link no more, is first deleted and then added.
  const owners = changes.flatMap(({ path, status }) => (status === "T" ? [path, path] : [path]));
  const parts = new Map<string, number>();
  for (const [part, path] of owners.entries()) {
    parts.set(path, (parts.get(path) ?? 0) + (sizes[part] ?? 0));
  }
  const rankOf = await ranksOf([...parts.keys()]);
  const entries = [...parts].map(([path, sizeBytes]) => ({
    ...{ path: Buffer.from(path, "latin1"), kind: "file" as const, mode: 0, sizeBytes },
    ...{ signature: "", isRacy: false },
  }));
  const room = { bytes: patchBytes, files: entries.length };
  const chosen = chooseWithin(entries, room, ({ path }) => rankOf(path.toString("latin1")));
  const kept = new Set([...chosen].map(({ path }) => path.toString("latin1")));
  await write(states, { file, from, to }, { keeps: (part) => kept.has(owners[part] ?? "") });
  return [...parts.keys()].filter((path) => !kept.has(path));
}

/** @returns the size of each file's part. */
async function write(
  states: States,
  { file, from, to }: Pick<Wanted, "file" | "from" | "to">,
  { maxBytes = Number.POSITIVE_INFINITY, keeps = () => true }: Keeping,
): Promise<number[]> {
  const diff = gitOn(states, [...DIFF, "-p", "--binary", "--full-index", from, to]);
  diff.stdin?.end();
  diff.stderr?.resume();
  const ended = once(diff, "exit");
  const output = createWriteStream(file);
  const failed = new Promise<never>((_, reject) => output.once("error", reject));
  failed.catch(() => {});
  const sizes: number[] = [];
  let size = 0;
  try {
    for await (const { part, bytes } of partsOf(diff.stdout as AsyncIterable<Buffer>)) {
      sizes[part] = (sizes[part] ?? 0) + bytes.length;
      if (!keeps(part) || size + bytes.length > maxBytes) continue;
      size += bytes.length;
      if (!output.write(bytes)) await Promise.race([once(output, "drain"), failed]);
    }
  } finally {
    if (diff.exitCode === null) diff.kill("SIGKILL");
    output.end();
  }
  await Promise.race([finished(output), failed]);
  const [code] = await ended;
  if (code !== 0) throw new Error(`git diff-tree ended with ${code}`);
  return sizes;
}

interface Keeping {
  maxBytes?: number;
  keeps?: (part: number) => boolean;
}

const START = Buffer.from("\ndiff --git ");

/**
 * The pieces of a patch, each of one file's part. No line of a file's content begins as a part
 * does.
 */
async function* partsOf(stream: AsyncIterable<Buffer>) {
  let part = 0;
  let held = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = Buffer.concat([held, chunk]);
    let start = 0;
    for (let at = bytes.indexOf(START); at >= 0; at = bytes.indexOf(START, at + 1)) {
      yield { part, bytes: bytes.subarray(start, at + 1) };
      part += 1;
      start = at + 1;
    }
    const end = Math.max(start, bytes.length - START.length + 1);
    if (end > start) yield { part, bytes: bytes.subarray(start, end) };
    held = bytes.subarray(end);
  }
  if (held.length > 0) yield { part, bytes: held };
}
