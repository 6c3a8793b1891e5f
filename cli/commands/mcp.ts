import type { Command } from "commander";
import { relayMcp } from "../mcp.ts";
import { type CliContext, remote } from "../session.ts";

/** `runyard mcp`: for agents that start runs. */
export function addMcp(program: Command, context: CliContext): void {
  const command = program
    .command("mcp")
    .description(
      "Serves the Model Context Protocol on standard input and output: tools to start and follow runs.",
    );
  remote(command, context, ({ session }) =>
    relayMcp(session, process.stdin, (line) => void process.stdout.write(`${line}\n`)),
  );
}
