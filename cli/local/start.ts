import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { CliContext } from "../session.ts";
import { complain, oneLine } from "../terminal.ts";
import { DEFAULT_STATE } from "../typed.ts";

/**
 * `runyard start` and `emulators`: what serves on this machine. All of it is loaded when it is
 * used.
 */
export async function addServers(program: Command, context: CliContext): Promise<void> {
  await addStart(program, context);
  addEmulators(program, context);
}

async function addStart(program: Command, { finish, env, words }: CliContext): Promise<void> {
  const command = program
    .command("start")
    .summary("Serves on this machine, until Ctrl-C.")
    .description(
      "Starts Runyard on this machine: the functions and a stand-in of the four Google services that they use, and serves until Ctrl-C. At the first start on a state directory it sends a sample run and shows it.",
    )
    .option("--sample", "send the sample although it is not the first start")
    .option("--no-sample", "only serve")
    .option("--prompt <TEXT>", "what the sample asks for; sends it")
    .option("--once", "send the sample and end after it; exits with 1 if it did not succeed")
    .option("--live", "use the real model; needs ANTHROPIC_API_KEY (honours ANTHROPIC_BASE_URL)")
    .option("--port <N>", "port of the API (default: 8080, or the next that is free)")
    .option("--state <DIR>", "where everything is kept", DEFAULT_STATE)
    .option(
      "--sandbox <MODE>",
      "bubblewrap, or none: agents then run as you, with all that you may do (default: bubblewrap; without it only the built-in sample runs)",
    )
    .option("--bundled", "serve what is deployed: functions and runner as bundles; of a checkout")
    .option("--iam", "let functions and builds call only what a deployment would let them")
    .option("--trace", "write a waterfall of each run, as a page in DIR/traces")
    .action(async (flags: object) => {
      const { serveOptions } = await import("../../infra/local/serve-options.ts");
      const options = serveOptions(flags);
      // What serves takes seconds to load and to start.
      complain(`Starting on ${oneLine(options.state)} …`);
      const { serve } = await import("../../infra/local/serve.ts");
      finish((await serve(options, env)) ? EXIT.done : EXIT.failed);
    });
  if (words[0] !== "start" && words[1] !== "start") return;
  const { MORE_HELP } = await import("../../infra/local/serve-options.ts");
  command.addHelpText("after", MORE_HELP);
}

const collected = (value: string, before: string[]): string[] => [...before, value];

function addEmulators(program: Command, { finish }: CliContext): void {
  program
    .command("emulators")
    .summary("Serves stand-ins of the four Google services alone.")
    .description(
      "Serves stand-ins of Firestore, Pub/Sub, Cloud Storage and Cloud Build for any project, until Ctrl-C. Prints the variables that point Google's clients at them.",
    )
    .option("--state <DIR>", "where everything is kept", ".runyard-emulators")
    .option(
      "--bucket <NAME>",
      "a bucket that is there from the start; may be said several times",
      collected,
      [],
    )
    .option(
      "--image <NAME=COMMAND>",
      "what a build's image is on this machine, where builds run as you; may be said several times",
      collected,
      [],
    )
    .action(async (flags: { state: string; bucket: string[]; image: string[] }) => {
      const { serveEmulators } = await import("../../infra/local/emulators.ts");
      await serveEmulators(flags);
      finish(EXIT.done);
    });
}
