import type { Command } from "commander";

/** Gives a command the options that say whose documents it is about. */
export function withPlaceOrProject(command: Command, what: string): Command {
  return command
    .option(
      "--state <DIR>",
      "the local server of this state directory, which must run (default: .runyard)",
    )
    .option(
      "--project <PROJECT>",
      `the ${what} of this project of Google Cloud, with your own credentials`,
    );
}
