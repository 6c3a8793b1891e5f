import { type Command, Option } from "commander";
import type { CreateRun } from "../../client/types.ts";
import { type AcceptFlags, accepted, withAcceptance } from "../accepted.ts";
import { attachedEntries, attachedFiles } from "../attached.ts";
import { type DeliveryFlags, deliverOf, withDelivery } from "../delivery.ts";
import { sayDryRun } from "../dry-run.ts";
import { usageFault } from "../failure.ts";
import { type HereOptions, sayHere, sendHere } from "../here/send-here.ts";
import { OWN_NAME } from "../own-name.ts";
import { promptOf } from "../prompt.ts";
import { type CliContext, remote, runId } from "../session.ts";
import {
  collected,
  labelOption,
  labelsOf,
  type SettingsFlags,
  settingsOf,
  withSettings,
} from "../settings-flags.ts";
import { oneLine } from "../terminal.ts";

interface RunFlags extends AcceptFlags, SettingsFlags, DeliveryFlags {
  file?: string;
  agent?: string;
  dryRun?: boolean;
  label: string[];
  attach: string[];
  from?: string;
  here?: boolean;
  secrets?: "send" | "omit";
}

const ATTACH = "a file for the agent's workspace; may be said several times";

/** `runyard run`: sends a task and follows it. */
export function addRun(program: Command, context: CliContext): void {
  const command = program
    .command("run")
    .summary("Sends a task to an agent and follows it.")
    .description(
      "Sends a task to an agent and follows it to its end. The answer goes to standard output, everything else to standard error.",
    )
    .argument("[prompt...]", "what the agent shall do; - reads it from standard input")
    .option("-f, --file <FILE>", "a file with the prompt")
    .option("--agent <ID>", "a stored agent by id or name, or ID@VERSION; it has its own settings");
  command.option("--attach <FILE>", ATTACH, collected, []);
  command.option("--from <RUN>", "begin with the files that another run left", runId);
  command.option(
    "--here",
    "begin with the working tree of this folder as it is, which is uploaded",
  );
  command.addOption(
    new Option(
      "--secrets <CHOICE>",
      "with --here: files that may hold secrets are sent, or stay",
    ).choices(["send", "omit"]),
  );
  command.option("--dry-run", "only say whether it would be accepted, and what it would come to");
  withAcceptance(labelOption(command));
  withDelivery(command);
  withSettings(command);
  remote<RunFlags, [string[]]>(command, context, async (given) => {
    const { options } = given;
    const body = orderOf(given.args[0], options);
    const here = hereOptions(options, context);
    const { session } = given;
    if (here && options.dryRun) await sayHere(here);
    else if (here) body.workspace = await sendHere(session.client, here);
    const files = await attachedFiles(options.attach, session.client.upload);
    if (files.length > 0) body.files = files;
    if (options.dryRun) return sayDryRun(given, body);
    return accepted(given, (once) => session.client.runs.create(body, once));
  });
}

/** Undefined: the working tree stays where it is. */
function hereOptions(
  { here, secrets, from, repo, attach }: RunFlags,
  { env }: CliContext,
): HereOptions | undefined {
  if (!here) {
    if (secrets !== undefined)
      throw usageFault("--secrets is about what --here sends: say that too");
    return undefined;
  }
  if (from !== undefined) throw usageFault("--here and --from: say one of them");
  if (repo !== undefined) throw usageFault("--here and --repo: say one of them");
  return { env, secrets, files: attachedEntries(attach) };
}

function orderOf(words: string[], options: RunFlags): CreateRun {
  const prompt = promptOf(words, options.file);
  if (prompt === undefined) {
    throw usageFault(`What shall the agent do? Say it: ${OWN_NAME} run "…", or -f FILE, or -`);
  }
  const settings = settingsOf(options);
  if (options.agent !== undefined && settings !== undefined) {
    throw usageFault(
      "--agent names a stored agent, which has its own settings: leave the others out, or change it with agents edit",
    );
  }
  const labels = labelsOf(options.label);
  const deliver = deliverOf(options);
  return {
    prompt,
    ...(options.agent !== undefined && { agent: agentOf(options.agent) }),
    ...(settings !== undefined && { agent: { settings } }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(options.from !== undefined && { workspace: { run: options.from } }),
    ...(deliver && { deliver }),
  };
}

/** `ID` or `ID@VERSION` */
function agentOf(text: string): NonNullable<CreateRun["agent"]> {
  const [, id = "", version] = /^([^@]+)(?:@(\d{1,9}))?$/.exec(text) ?? [];
  if (id === "") throw usageFault(`--agent ${oneLine(text)} is neither ID nor ID@VERSION`);
  return version === undefined ? id : { id, version: Number(version) };
}
