/** Writes one line for a person. Whatever an agent or a model said may be in it: nothing steers the terminal. */
export function say(line = ""): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** Writes an error for a person. */
export function complain(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** `text` without control characters, except line feed and tab. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\u{fffd}");
}

/** `text` with every line after the first indented by `columns`. */
export function indented(text: string, columns: number): string {
  return text.trimEnd().replaceAll("\n", `\n${" ".repeat(columns)}`);
}
