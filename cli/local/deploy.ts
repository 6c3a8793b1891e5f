import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { CliContext } from "../session.ts";

/** `runyard deploy` and `destroy`; what they need is loaded when it is used. */
export function addDeploy(program: Command, { env, finish }: CliContext): void {
  const load = () => import("../../infra/deploy/deploy.ts");
  const withSettings = (command: Command) =>
    command
      .option("--settings <FILE>", "the settings (default: runyard.deploy.json, if it is there)")
      .option("--yes", "do not ask");
  withSettings(program.command("deploy"))
    .description(
      "Makes in Google Cloud what the settings say: shows what will change and what it costs, asks, and does it.",
    )
    .option("--dry-run", "only print the whole plan; needs no credentials and no engine")
    .action(async (flags: object) => {
      finish((await (await load()).deploy(flags, env)) ? EXIT.done : EXIT.failed);
    });
  withSettings(program.command("destroy"))
    .description("Removes what deploy has made; what holds data stays.")
    .option("--delete-data", "removes documents, objects, images and the secret, too, for good")
    .action(async (flags: object) => {
      finish((await (await load()).destroy(flags, env)) ? EXIT.done : EXIT.failed);
    });
}
