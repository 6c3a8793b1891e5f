/** `key:value`, or `key:"a value"` with JSON's escapes. */
const PAIR = /([^\s:"]*):("(?:[^"\\]|\\.)*"(?!\S)|\S*)|\S+/g;

const pairsOf = (text: string): [string, string | undefined][] =>
  [...text.matchAll(PAIR)].map(([whole, name, value]) =>
    name === undefined ? [whole, undefined] : [name, plain(value ?? "")],
  );

function plain(value: string): string {
  if (!/^".*"$/s.test(value)) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}

/** Labels that were written as `key:value`, with a space between two. */
export const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries(pairsOf(text).map(([name, value]) => [name, value ?? ""]));

/** The same the other way. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}:${/^"|\s/.test(value) ? JSON.stringify(value) : value}`)
    .join(" ");

/** What is wrong with how labels are written; undefined: nothing. */
export function wrongLabels(text: string): string | undefined {
  const isWrong = pairsOf(text).some(([name, value]) => name === "" || value === undefined);
  return isWrong ? "Write labels as key:value, with a space between two." : undefined;
}
