import os from "node:os";
import type { Table } from "./benchmark.ts";

/** A table as text, its columns aligned. */
export function formatTable({ title, columns, rows, notes }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => (row[at] ?? "").length)));
  const line = (row: string[]) =>
    widths
      .map((width, at) => {
        const cell = row[at] ?? "";
        return at === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return ["", title, line(columns), rule, ...rows.map(line), ...notes.map((n) => `* ${n}`)].join(
    "\n",
  );
}

/** The machine that the figures are of. */
export function machine(): string {
  const cpus = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const load = os.loadavg()[0]?.toFixed(1);
  const model = cpus[0]?.model.trim().replace(/\s+/g, " ") ?? "unknown processor";
  return `${cpus.length} cores (${model}), ${memory} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}, load ${load}`;
}

/** Replaces the line of progress, where there is a terminal; prints one line for each otherwise. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text.slice(0, 118)}`);
  else process.stderr.write(`${text}\n`);
}

/** Takes the line of progress away. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
