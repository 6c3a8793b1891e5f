import { type Command, Option } from "commander";
import type { Usages } from "../../client/types.ts";
import { table } from "../columns.ts";
import { jsonPrinter, USAGE_FIELDS } from "../json.ts";
import { type CliContext, remote } from "../session.ts";
import { withJson } from "../settings-flags.ts";
import { complain, oneLine, printable, say, widthOf } from "../terminal.ts";
import { clockOf, usd } from "../text.ts";

type Row = Usages["items"][number];
interface UsageFlags {
  by: (typeof BY)[number];
  from?: string;
  to?: string;
}

const BY = ["day", "agent", "model", "label", "status"] as const;
const HEAD = ["RUNS", "COST", "TOKENS IN", "OUT", "HALF TOOK", "95 OF 100"];

/** `runyard usage` */
export function addUsage(program: Command, context: CliContext): void {
  const command = program
    .command("usage")
    .description("Shows what runs came to: how many, cost, tokens, and how long they took.")
    .addOption(new Option("--by <WHAT>", "what is counted together").choices(BY).default("day"))
    .option("--from <DAY>", "the first day, in UTC (default: 29 days before the last)")
    .option("--to <DAY>", "the day after the last one (default: tomorrow)");
  withJson(command, "each row");
  remote<UsageFlags, []>(command, context, async ({ session, options }) => {
    const print = jsonPrinter(options.json, USAGE_FIELDS);
    const { by, from, to } = options;
    const usages = await session.client.usage({ by, ...(from && { from }), ...(to && { to }) });
    if (print) return usages.items.forEach(print);
    for (const line of usageLines(usages, widthOf(process.stdout))) say(line);
    if (usages.items.length === 0) complain("No run has ended in that time.");
  });
}

/** A table for a person; its last row is all together. */
export function usageLines({ by, items, total }: Usages, width: number): string[] {
  if (items.length === 0) return [];
  const rows = items.map((row) => [keyOf(row), ...cellsOf(row)]);
  const head = [by.toUpperCase(), ...HEAD];
  // A run has as many labels as it likes: the rows together are more than all.
  const last = ["all", ...cellsOf(total)];
  return table(
    [head, ...rows, last].map((row) => row.map((cell) => printable(cell))),
    width,
  );
}

const keyOf = ({ key, isRest }: Row): string => (isRest ? "the rest" : oneLine(key ?? "none"));

function cellsOf({ runs, costUsd, inputTokens, outputTokens, phases }: Usages["total"]): string[] {
  const whole = phases.find(({ name }) => name === "run");
  const times = whole ? [clockOf(whole.p50Ms), clockOf(whole.p95Ms)] : ["-", "-"];
  return [String(runs), usd(costUsd), String(inputTokens), String(outputTokens), ...times];
}
