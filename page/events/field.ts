import { isSame } from "../settings/difference.ts";
import { labelsOf, labelsText, wrongLabels } from "../settings/labels.ts";

/** A field of a form, which writes one member of a document. */
export interface Field {
  /** Where the member is: a JSON pointer without its first slash. */
  at: string;
  label: string;
  hint?: string;
  /**
   * How it is written; an agent by its id or as JSON, `lines` one a line, `headers` as Name: value.
   * Default: text, of one line.
   */
  kind?: "code" | "long" | "number" | "labels" | "lines" | "headers" | "agent";
  /** The values it may have, each with its word. */
  choices?: Readonly<Record<string, string>>;
  /** Another field and the value of it that this one is asked with. Default: always. */
  when?: readonly [at: string, value: string];
  isRequired?: boolean;
}

/** What is written in fields, by `at`; empty: the default. */
export type Written = Readonly<Record<string, string>>;

/** The fields that are asked for, with what is written. */
export function askedFields(fields: readonly Field[], written: Written): Field[] {
  const isAsked = ({ when }: Field): boolean => {
    if (when === undefined) return true;
    const other = fields.find(({ at }) => at === when[0]);
    return written[when[0]] === when[1] && (other === undefined || isAsked(other));
  };
  return fields.filter(isAsked);
}

type Json = Record<string, unknown>;

const memberAt = (document: unknown, at: string): unknown =>
  at.split("/").reduce((value, name) => (value as Json | null | undefined)?.[name], document);

/** A document as it is written in the fields. */
export function writtenOf(fields: readonly Field[], document: object): Written {
  return Object.fromEntries(
    fields.map((field) => [field.at, textOf(field, memberAt(document, field.at))]),
  );
}

function textOf({ kind }: Field, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (kind === "labels") return labelsText(value as Record<string, string>);
  if (kind === "lines") return (value as string[]).join("\n");
  // Of headers only the names are known, and no form has their values.
  if (kind === "headers") return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What is written, as a document. Call only if {@link faultsOf} finds nothing. */
export function contentOf(fields: readonly Field[], written: Written): Json {
  const content: Json = {};
  for (const field of askedFields(fields, written)) {
    const text = written[field.at] ?? "";
    if (text.trim() === "") continue;
    const names = field.at.split("/");
    const last = names.pop() ?? "";
    let place = content;
    for (const name of names) {
      place[name] ??= {};
      place = place[name] as Json;
    }
    place[last] = writtenValue(field, text);
  }
  return content;
}

function writtenValue({ kind }: Field, text: string): unknown {
  if (kind === "number") return Number(text.replace("$", ""));
  if (kind === "labels") return labelsOf(text);
  if (kind === "lines") return linesOf(text);
  if (kind === "headers") return headersOf(text);
  if (kind === "agent" && text.startsWith("{")) return JSON.parse(text);
  return kind === "long" ? text : text.trim();
}

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** One that has no value is taken away: null, in a merge patch. */
const headersOf = (text: string): Record<string, string | null> =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const [name = "", ...rest] = line.split(":");
      return [name.trim(), rest.join(":").trim() || null];
    }),
  );

/** Faults of what is written, by `at`; the API says the others. */
export function faultsOf(fields: readonly Field[], written: Written): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const { at, kind, isRequired } of askedFields(fields, written)) {
    const text = (written[at] ?? "").trim();
    if (text === "" && isRequired) faults[at] = "This is needed.";
    if (kind === "number" && text !== "" && !(Number(text.replace("$", "")) > 0)) {
      faults[at] = "Write a number like 20.";
    }
    const wrong = kind === "labels" ? wrongLabels(text) : undefined;
    if (wrong !== undefined) faults[at] = wrong;
    if (kind === "headers" && linesOf(text).some((line) => !/^[^\s:]+\s*:/.test(line))) {
      faults[at] = "Write a header a line: Name: value.";
    }
  }
  return faults;
}

/** The field that a fault of the API is at; undefined: none of these. */
export function fieldAt(fields: readonly Field[], pointer: string): Field | undefined {
  const place = pointer.slice(1);
  return (
    fields.find(({ at }) => place === at || place.startsWith(`${at}/`)) ??
    fields.find(({ at }) => place !== "" && at.startsWith(`${place}/`))
  );
}

/**
 * What somebody wrote over a document as it was, brought over to what it is by now: what they did
 * not touch is as somebody else left it.
 */
export function broughtOver(mine: Written, { before, now }: { before: Written; now: Written }) {
  return Object.fromEntries(
    Object.entries(mine).map(([at, text]) => [at, text === before[at] ? (now[at] ?? "") : text]),
  );
}

/** The merge patch's members that are replaced whole, as unions are. */
export const replacedWhole = (before: Json, after: Json, names: readonly string[]): Json =>
  Object.fromEntries(
    names
      .filter((name) => !isSame(before[name], after[name]))
      .map((name) => [name, after[name] ?? null]),
  );
