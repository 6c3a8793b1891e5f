import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { usageFault } from "../failure.ts";
import { type CliContext, remote } from "../session.ts";
import { smoke } from "../smoke.ts";
import { oneLine } from "../terminal.ts";

const DEFAULT_SECONDS = 900;

/** `runyard smoke`: whether a server does what it is there for. */
export function addSmoke(program: Command, context: CliContext): void {
  const command = program
    .command("smoke")
    .summary("Sends one small real run, and says where it stopped if it did.")
    .description(
      "Sends one small real run, which may spend half a dollar, and shows each of its states. Says where it stopped, if it did, and what to look at.",
    )
    .option("--within <SECONDS>", "how long it may take", String(DEFAULT_SECONDS));
  remote<{ within: string }, []>(command, context, async ({ session, options }) => {
    const seconds = /^[1-9]\d{0,4}$/.test(options.within) ? Number(options.within) : undefined;
    if (seconds === undefined) {
      throw usageFault(`--within ${oneLine(options.within)} is no number of seconds`);
    }
    return (await smoke(session.client, { seconds })) ? EXIT.done : EXIT.failed;
  });
}
