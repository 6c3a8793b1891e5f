/**
 * Writes for a person. Whatever an agent, a model or a server said may be in it: nothing steers the
 * terminal, and nothing looks like what it is not. A name is to be given to {@link oneLine} first.
 */
export function say(line = ""): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** Where nobody says how wide a terminal is. */
const USUAL_COLUMNS = 80;
/** Narrower ones are written to as if they had so many. */
const LEAST_COLUMNS = 40;

/** How many columns a line for a person may have; any number if it goes into a file or pipe. */
export function widthOf(stream: NodeJS.WriteStream): number {
  if (!stream.isTTY) return Number.POSITIVE_INFINITY;
  return Math.max(LEAST_COLUMNS, stream.columns || USUAL_COLUMNS);
}

/** Writes an error for a person. */
export function complain(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

const UNSEEN = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]|[\u115f\u1160\u2800\u3164\uffa0]/gu;

/**
 * `text` without what a terminal does not show as itself, except line feed and tab: control
 * characters, what is invisible or turns the direction of the rest around, and separators of lines
 * that are none.
 */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNSEEN, "\u{fffd}");
}

/**
 * A value as JSON on one line: what {@link printable} would replace is escaped, which says the
 * same.
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSEEN, (unseen) =>
    Array.from({ length: unseen.length }, (_, at) => unseen.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** A name or a sentence that somebody else made, for a line of ours: it cannot begin another. */
export function oneLine(text: string): string {
  return text.replace(/[\n\t\r\v\f\u0085\u2028\u2029]/g, "\u{fffd}");
}

/**
 * `text` with every line after the first indented by `columns`, so that none looks like one of
 * ours.
 */
export function indented(text: string, columns: number): string {
  return text.trimEnd().replaceAll("\n", `\n${" ".repeat(columns)}`);
}
