/** How often each of several things happened, in two columns. */
export function tableOf(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort(([left], [right]) => (left < right ? -1 : 1));
  return rows.map(([name, count]) => `  ${name.padEnd(28)}${String(count).padStart(9)}`).join("\n");
}

/** Names and what is said of them, in two columns. */
export function linesOf(lines: readonly (readonly [string, string | number])[]): string {
  return lines.map(([name, value]) => `${name.padEnd(36)}${value}`).join("\n");
}
