import type { Command } from "commander";
import type { Finding } from "../../infra/doctor/check.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { jsonPrinter } from "../json.ts";
import type { CliContext } from "../session.ts";
import { withJson } from "../settings-flags.ts";
import { complain, indented, say } from "../terminal.ts";
import { counted } from "../text.ts";

interface DoctorFlags {
  state?: string;
  project?: string;
  settings?: string;
  json?: string;
}

const FIELDS: Readonly<Record<keyof Finding, true>> = {
  check: true,
  state: true,
  found: true,
  remedy: true,
};

/** Columns of a finding's state, and of its check. */
const STATE_COLUMNS = 8;
const CHECK_COLUMNS = 17;

/** `runyard doctor`; what looks is loaded when it is used. */
export function addDoctor(program: Command, { env, finish }: CliContext): void {
  const command = program
    .command("doctor")
    .summary("Looks at everything that Runyard needs, and says what mends what is missing.")
    .description(
      "Looks at everything that Runyard needs on this machine, or in a project of Google Cloud, and changes nothing. What is not as it must be comes with the command that mends it.",
    )
    .option("--state <DIR>", "the local server's state directory (default: .runyard)")
    .option("--project <PROJECT>", "a project of Google Cloud, with your own credentials")
    .option(
      "--settings <FILE>",
      "what was deployed there (default: runyard.deploy.json, if it is there)",
    );
  withJson(command, "what was found").action(async (flags: DoctorFlags) => {
    const print = jsonPrinter(flags.json, FIELDS);
    const { diagnosed } = await import("../../infra/doctor/doctor.ts");
    finish(await tell(diagnosed(flags, env), print));
  });
}

/** Prints each finding as it comes. @returns what the command ends with: a warning is no failure */
export async function tell(
  findings: AsyncIterable<Finding>,
  print?: (finding: Finding) => void,
): Promise<ExitCode> {
  const counts = { ok: 0, warning: 0, fault: 0 };
  for await (const finding of findings) {
    counts[finding.state] += 1;
    if (print) print(finding);
    else say(findingText(finding));
  }
  complain(`${counted(counts.fault, "fault")}, ${counted(counts.warning, "warning")}.`);
  return counts.fault > 0 ? EXIT.failed : EXIT.done;
}

/** A line, and below it what mends it. */
function findingText({ check, state, found, remedy }: Finding): string {
  const columns = STATE_COLUMNS + CHECK_COLUMNS;
  const head = state.padEnd(STATE_COLUMNS) + check.padEnd(CHECK_COLUMNS);
  const line = head + indented(found, columns);
  return remedy === null
    ? line
    : `${line}\n${" ".repeat(columns)}→ ${indented(remedy, columns + 2)}`;
}
