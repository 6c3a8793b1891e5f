import type { CreateRun, DryRun } from "../client/types.ts";
import { type AcceptFlags, refuseAny } from "./accepted.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { DRY_RUN_FIELDS, jsonPrinter } from "./json.ts";
import type { Session } from "./session.ts";
import { oneLine, say } from "./terminal.ts";
import { clockOf, counted, usd } from "./text.ts";

/** Says what a request would come to; nothing is made. */
export async function sayDryRun(
  given: { readonly session: Session; options: AcceptFlags },
  body: CreateRun,
): Promise<ExitCode> {
  const { options } = given;
  refuseAny("--dry-run", options, ["detach", "wait", "apply", "strict"]);
  const print = jsonPrinter(options.json, DRY_RUN_FIELDS);
  const answer = await given.session.client.runs.dryRun(body);
  if (print) print(answer);
  else for (const line of dryRunLines(answer)) say(line);
  return EXIT.done;
}

const row = (name: string, text: string): string => `  ${name.padEnd(12)}${oneLine(text)}`;

/** What a request would come to, for a person. */
export function dryRunLines(answer: DryRun): string[] {
  const { agent, maxCostUsd, queue, usually, repository, repositories } = answer;
  return [
    "It would be accepted.",
    ...(agent ? [row("Agent", `${agent.id}, version ${agent.version}`)] : []),
    row("Cost", `at most ${usd(maxCostUsd)}${usualCost(usually)}`),
    ...(usually ? [row("Time", usualTime(usually))] : []),
    row("Queue", queue ? placeText(queue) : "a slot is free"),
    ...(repository ? [row("Repository", lookText(repository))] : []),
    ...repositories.map((one) => row("Repository", `${one.folder}: ${lookText(one)}`)),
  ];
}

type Usually = NonNullable<DryRun["usually"]>;

function usualCost(usually: Usually | null): string {
  const { p50CostUsd = null, p95CostUsd = null } = usually ?? {};
  if (p50CostUsd === null || p95CostUsd === null) return "";
  return `; half of its runs ${usd(p50CostUsd)}, 95 of 100 ${usd(p95CostUsd)}`;
}

const usualTime = ({ p50Ms, p95Ms, runs }: Usually): string =>
  `half of its runs ${clockOf(p50Ms)}, 95 of 100 ${clockOf(p95Ms)}; ${counted(runs, "run")} in 30 days`;

const placeText = ({ position, startsAt }: NonNullable<DryRun["queue"]>): string =>
  `place ${position} of your runs that wait${startsAt === null ? "" : `, until about ${startsAt}`}`;

function lookText({ reachable, why }: NonNullable<DryRun["repository"]>): string {
  if (reachable === null) return why;
  return `${reachable ? "reachable" : "not reachable"}: ${why}`;
}
