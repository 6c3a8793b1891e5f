import { GoogleError } from "../wire/status.ts";
import type { Fields, Value } from "./messages.ts";

/** A field's path: its names from the outside in. */
export type FieldPath = readonly string[];

/** The path that stands for the document's own name in filters and orders. */
export const NAME_PATH = "__name__";

const SEGMENT = /([a-zA-Z_][a-zA-Z_0-9]*)|`((?:[^`\\]|\\.)+)`/y;
const SIMPLE = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

const parsed = new Map<string, FieldPath>();
const MAX_PARSED = 10_000;

/**
 * Takes a path apart: `` a.`b c`.d ``.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is not one.
 */
export function parseFieldPath(text: string | undefined): FieldPath {
  const known = parsed.get(text ?? "");
  if (known) return known;
  const path = parseSegments(text ?? "");
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(text ?? "", path);
  return path;
}

function parseSegments(text: string): FieldPath {
  const path: string[] = [];
  let at = 0;
  while (true) {
    SEGMENT.lastIndex = at;
    const match = SEGMENT.exec(text);
    if (!match) throw invalidPath(text);
    path.push(match[1] ?? (match[2] as string).replace(/\\(.)/g, "$1"));
    at = SEGMENT.lastIndex;
    if (at === text.length) return path;
    if (text[at] !== ".") throw invalidPath(text);
    at++;
  }
}

function invalidPath(text: string): GoogleError {
  return new GoogleError(
    "INVALID_ARGUMENT",
    `Invalid property path "${text}". Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), and quoted property paths must match regex (\`(?:[^\`\\\\]|(?:\\\\.))+\`)`,
  );
}

/** The text of a path, quoted where it must be. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((name) => (SIMPLE.test(name) ? name : `\`${name.replace(/[`\\]/g, "\\$&")}\``))
    .join(".");
}

/** The value at the path; undefined if there is none. */
export function valueAt(fields: Fields, path: FieldPath): Value | undefined {
  let within: Fields | undefined = fields;
  for (const name of path.slice(0, -1)) {
    within = ownValue(within, name)?.mapValue?.fields;
    if (!within) return undefined;
  }
  return ownValue(within, path.at(-1) as string);
}

/**
 * The fields with `value` at the path, or with nothing there; maps on the way are made as needed.
 */
export function withValueAt(fields: Fields, path: FieldPath, value: Value | undefined): Fields {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) return withField(fields, name, value);
  const inner = ownValue(fields, name)?.mapValue?.fields;
  const isAbsent = ownValue(fields, name)?.mapValue === undefined;
  if (isAbsent && value === undefined) return fields;
  return withField(fields, name, { mapValue: { fields: withValueAt(inner ?? {}, rest, value) } });
}

function withField(fields: Fields, name: string, value: Value | undefined): Fields {
  if (value !== undefined) return { ...fields, [name]: value };
  const { [name]: _removed, ...kept } = fields;
  return kept;
}

/** Only what lies at the paths. */
export function project(fields: Fields, paths: readonly FieldPath[]): Fields {
  let kept: Fields = {};
  for (const path of paths) {
    const value = valueAt(fields, path);
    if (value !== undefined) kept = withValueAt(kept, path, value);
  }
  return kept;
}

function ownValue(fields: Fields, name: string): Value | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
