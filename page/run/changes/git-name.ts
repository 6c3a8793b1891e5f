const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
};

/**
 * A file's name from a patch without the quotes around it, in which git writes bytes that are not
 * ASCII as `\303`. Git quotes every name that has a backslash, so one that has none is as it is.
 */
export function gitName(name: string): string {
  if (!name.includes("\\")) return name;
  const encoder = new TextEncoder();
  const bytes = [...name.matchAll(/\\([0-7]{3}|.)|[^\\]+/gs)].flatMap(([whole, escaped]) => {
    if (escaped?.length === 3) return [Number.parseInt(escaped, 8)];
    return [...encoder.encode(escaped === undefined ? whole : (ESCAPES[escaped] ?? escaped))];
  });
  return new TextDecoder().decode(new Uint8Array(bytes));
}
