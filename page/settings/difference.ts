import type { AgentSettings } from "../../shared/agent/settings.ts";

/** A line of what a setting was and is. */
export interface DifferenceLine {
  sign: "same" | "added" | "removed";
  text: string;
}

/** What became of one setting. */
export interface Difference {
  name: string;
  lines: DifferenceLine[];
}

type Json = Readonly<Record<string, unknown>>;

/** The settings that two have differently, in the order of their names. */
export function differences(before: AgentSettings, after: AgentSettings): Difference[] {
  const [old, young]: [Json, Json] = [before, after];
  const names = [...new Set([...Object.keys(old), ...Object.keys(young)])].sort();
  return names.flatMap((name) => {
    if (isSame(old[name], young[name])) return [];
    return [{ name, lines: changedLines(textLines(old[name]), textLines(young[name])) }];
  });
}

/** Whether two JSON values are the same; members may stand in any order. */
export function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return one === other;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => isSame((one as Json)[name], (other as Json)[name]));
}

/** A value as lines: a text by its own, a list by its entries, an object as JSON. */
function textLines(value: unknown): string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return value.split("\n");
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  return JSON.stringify(value, null, 2).split("\n");
}

/** Lines that are compared one by one; of more the whole is old and new. */
const MOST_LINES = 500;

/** The lines of both, those that stay once: by the longest sequence that they have in common. */
export function changedLines(old: readonly string[], young: readonly string[]): DifferenceLine[] {
  const line = (sign: DifferenceLine["sign"]) => (text: string) => ({ sign, text });
  if (Math.max(old.length, young.length) > MOST_LINES) {
    return [...old.map(line("removed")), ...young.map(line("added"))];
  }
  const common = commonLengths(old, young);
  const lines: DifferenceLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < young.length) {
    const [removed, added] = [old[i], young[j]];
    if (removed !== undefined && removed === added) {
      lines.push({ sign: "same", text: removed });
      i += 1;
      j += 1;
    } else if (
      removed !== undefined &&
      (added === undefined || lengthAt(common, i + 1, j) >= lengthAt(common, i, j + 1))
    ) {
      lines.push({ sign: "removed", text: removed });
      i += 1;
    } else {
      lines.push({ sign: "added", text: added ?? "" });
      j += 1;
    }
  }
  return lines;
}

const lengthAt = (common: readonly number[][], i: number, j: number): number => common[i]?.[j] ?? 0;

/** How many lines the ends of both have in common, from each place on. */
function commonLengths(old: readonly string[], young: readonly string[]): number[][] {
  const common = old.map(() => young.map(() => 0));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = young.length - 1; j >= 0; j -= 1) {
      const row = common[i] as number[];
      row[j] =
        old[i] === young[j]
          ? lengthAt(common, i + 1, j + 1) + 1
          : Math.max(lengthAt(common, i + 1, j), lengthAt(common, i, j + 1));
    }
  }
  return common;
}

/** The JSON merge patch that makes `after` of `before`: null removes. */
export function mergePatchOf(before: Json, after: Json): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, young] = [before[name], after[name]];
    if (young === undefined) patch[name] = null;
    else if (isObject(old) && isObject(young)) {
      const inner = mergePatchOf(old, young);
      if (Object.keys(inner).length > 0) patch[name] = inner;
    } else if (!isSame(old, young)) patch[name] = young;
  }
  return patch;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
