import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { CliContext } from "../session.ts";
import { withPlaceOrProject } from "./place-options.ts";

/** `runyard keys …`; what it needs of Google's clients is loaded when it is used. */
export function addKeys(program: Command, { finish }: CliContext): void {
  const keys = program.command("keys").description("Makes, lists and revokes the keys of the API.");
  const load = () => import("../../infra/keys/keys.ts");
  const create = keys
    .command("create")
    .description("Makes a key and shows it, this once, alone on standard output.")
    .option("--name <NAME>", "what the key is for")
    .option(
      "--owner <OWNER>",
      "whose runs and agents it reaches (default: local; to be said with --project): to share them with somebody who signs in, the uid of Firebase, or google:SUB",
    )
    .option("--scope <SCOPE>", "read, run, admin (default: run); run includes read, admin both")
    .option("--expires <WHEN>", "90d, 12h, 30m, or 2027-01-31T12:00:00Z (default: never)");
  withPlaceOrProject(create, "keys").action(async (flags: object) => {
    await (await load()).createKey(flags);
    finish(EXIT.done);
  });
  const list = keys
    .command("list")
    .description("Says what keys there are; none can be shown again.");
  withPlaceOrProject(list, "keys").action(async (flags: object) => {
    await (await load()).listKeys(flags);
    finish(EXIT.done);
  });
  const revoke = keys
    .command("revoke")
    .description("Ends a key for good; where it was used just now it may work for another minute.")
    .argument("<key>", "its id; list shows it");
  withPlaceOrProject(revoke, "keys").action(async (id: string, flags: object) => {
    await (await load()).revokeKey(id, flags);
    finish(EXIT.done);
  });
  const erase = keys
    .command("erase")
    .description("Erases what is kept of an owner who has no runs: keys, agents, amounts.")
    .argument("<owner>", "as keys list shows it")
    .option("--yes", "it is meant");
  withPlaceOrProject(erase, "keys").action(async (owner: string, flags: object) => {
    await (await import("../../infra/keys/erase-owner.ts")).eraseOwner(owner, flags);
    finish(EXIT.done);
  });
}
