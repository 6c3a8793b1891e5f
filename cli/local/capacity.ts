import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { CliContext } from "../session.ts";
import { withPlaceOrProject } from "./place-options.ts";

/** `runyard capacity …`; what it needs of Google's clients is loaded when it is used. */
export function addCapacity(program: Command, { finish }: CliContext): void {
  const capacity = program
    .command("capacity")
    .description("Says where builds may run, and how many of them at a time.");
  const load = () => import("../../infra/capacity/capacity.ts");
  const list = capacity
    .command("list")
    .description("Says what targets there are, how many of their slots are held, and who waits.");
  withPlaceOrProject(list, "targets").action(async (flags: object) => {
    await (await load()).listTargets(flags);
    finish(EXIT.done);
  });
  const set = capacity
    .command("set")
    .description("Makes a target, or changes what is said of it; the next sweep makes the slots.")
    .argument("<id>", "the target's: small letters, digits and -")
    .argument(
      "<machines...>",
      "builds of a machine type that may be live at a time, as E2_STANDARD_2=10: at most what Cloud Build's quota lets run, less what others build there; 0 takes no more",
    )
    .option("--location <L>", "Cloud Build's region (for a new target; default: us-central1)")
    .option("--pool <POOL>", "projects/P/locations/L/workerPools/W (default: the default pool)")
    .option("--rank <R>", "a whole number; targets of a lower one are filled first (default: 0)")
    .option("--rate <N>", "builds created in a minute (for a new target; default: 60)");
  withPlaceOrProject(set, "targets").action(async (id: string, counts: string[], flags: object) => {
    await (await load()).setTarget(id, counts, flags);
    finish(EXIT.done);
  });
}
