/** What an answer must have; arrays in any order, and nothing said of what is left out. */
export type Expected =
  | string
  | number
  | boolean
  | readonly Expected[]
  | { readonly [name: string]: Expected };

/**
 * Where an answer is not as it must be, a line for each: `ackDeadlineSeconds is 10, not 60`. What
 * Google leaves out of JSON because it is empty, zero or false counts as that.
 *
 * @param path what the answer is called; default: nothing
 */
export function differences(expected: Expected, found: unknown, path = ""): string[] {
  if (Array.isArray(expected)) return ofLists(expected, found ?? [], path);
  if (typeof expected === "object") {
    const fields = (found ?? {}) as Record<string, unknown>;
    const lines = Object.entries(expected as Record<string, Expected>).flatMap(([name, value]) =>
      differences(value, fields[name], path ? `${path}.${name}` : name),
    );
    const isWhole = path !== "" && (found ?? null) === null && lines.length > 1;
    return isWhole ? [`${path} is absent, not ${shown(expected)}`] : lines;
  }
  return same(expected, found) ? [] : [`${path} is ${shown(found)}, not ${shown(expected)}`];
}

function ofLists(expected: readonly Expected[], found: unknown, path: string): string[] {
  if (!Array.isArray(found)) return [`${path} is ${shown(found)}, not a list`];
  const left = [...found];
  const lines: string[] = [];
  const unmet: Expected[] = [];
  for (const value of expected) {
    const at = left.findIndex((item) => differences(value, item).length === 0);
    if (at < 0) unmet.push(value);
    else left.splice(at, 1);
  }
  for (const value of unmet) {
    const meant = left.findIndex((item) => isSameByName(value, item));
    if (meant < 0 && !(unmet.length === 1 && left.length === 1)) {
      lines.push(`${path} lacks ${shown(value)}`);
      continue;
    }
    const [item] = left.splice(Math.max(0, meant), 1);
    const name = nameOf(value) ?? expected.indexOf(value);
    lines.push(...differences(value, item, `${path}[${name}]`));
  }
  return [...lines, ...left.map((item) => `${path} has ${shown(item)} as well`)];
}

const nameOf = (value: unknown): string | undefined =>
  (value as { name?: string } | null | undefined)?.name;

const isSameByName = (expected: unknown, found: unknown): boolean =>
  nameOf(expected) !== undefined && nameOf(expected) === nameOf(found);

function same(expected: string | number | boolean, found: unknown): boolean {
  if (found === undefined || found === null) return !expected;
  return plain(expected) === plain(found);
}

/** 64-bit numbers come as text; an address may have got a last slash. */
const plain = (value: unknown): string => String(value).replace(/^(https:\/\/.*)\/$/, "$1");

const shown = (value: unknown): string =>
  value === undefined || value === null ? "absent" : JSON.stringify(value);
