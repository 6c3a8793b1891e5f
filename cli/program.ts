import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { addAgain } from "./commands/again.ts";
import { addAgents } from "./commands/agents.ts";
import { addLists } from "./commands/lists.ts";
import { addMcp } from "./commands/mcp.ts";
import { addOpen } from "./commands/open.ts";
import { addProfiles } from "./commands/profiles.ts";
import { addResults } from "./commands/results.ts";
import { addRun } from "./commands/run.ts";
import { addRuns } from "./commands/runs.ts";
import { addSmoke } from "./commands/smoke.ts";
import { addTexts } from "./commands/texts.ts";
import { addTriggers } from "./commands/triggers.ts";
import { addUsage } from "./commands/usage.ts";
import { addWebhooks } from "./commands/webhooks.ts";
import { addCapacity } from "./local/capacity.ts";
import { addDeploy } from "./local/deploy.ts";
import { addDoctor } from "./local/doctor.ts";
import { addKeys } from "./local/keys.ts";
import { addServers } from "./local/start.ts";
import { addState } from "./local/state.ts";
import type { CliContext } from "./session.ts";

const SERVING = "Serving:";
const AFTER = `
Exit status: 0 succeeded or done, 1 the run failed or it could not be done, 2 usage, 3 no server, no valid
key, or refused by the API, 4 (--strict) succeeded with denials or omissions, 5 cancelled, 124 timed out,
130 no longer followed.`;

/**
 * The command `runyard` with all its subcommands. What is wrong with the words is thrown, not
 * printed.
 */
export async function buildProgram(context: CliContext): Promise<Command> {
  const program = new Command("runyard")
    .description("Runs coding agents in the background: sends them tasks, follows and fetches.")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .addHelpText("after", AFTER);
  program.commandsGroup("Runs:");
  addRun(program, context);
  addRuns(program, context);
  addLists(program, context);
  addTexts(program, context);
  addResults(program, context);
  addAgain(program, context);
  addAgents(program, context);
  addTriggers(program, context);
  addWebhooks(program, context);
  addUsage(program, context);
  addMcp(program, context);
  program.commandsGroup("Which server:");
  addProfiles(program, context);
  addOpen(program, context);
  addSmoke(program, context);
  program.commandsGroup(SERVING);
  await addServers(program, context);
  addState(program, context);
  addKeys(program, context);
  addCapacity(program, context);
  addDeploy(program, context);
  addDoctor(program, context);
  for (const command of program.commands.filter((added) => added.helpGroup() === SERVING)) {
    command.hook("preAction", async () => {
      const { becomeServer } = await import("./local/server-package.ts");
      await becomeServer(context);
    });
  }
  program.commandsGroup("This command:");
  tab(program, { completionCommandName: "completion" });
  return program;
}
