import { resolve } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import type { CliContext } from "../session.ts";
import { DEFAULT_STATE } from "../typed.ts";

interface StateFlags {
  state: string;
  json?: string;
  withKey?: boolean;
  yes?: boolean;
}

/** `runyard state …`: looks after the state directory of a local server. */
export function addState(program: Command, { finish }: CliContext): void {
  const state = program
    .command("state")
    .description(
      "Looks after the state directory of a local server: its runs, messages, objects and builds.",
    );
  const load = () => import("../../infra/local/state/commands.ts");
  const perform = async (work: () => Promise<unknown>) => {
    try {
      finish((await work()) === false ? EXIT.failed : EXIT.done);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure((await load()).explained(error), { cause: error });
    }
  };
  const own = (name: string) =>
    state.command(name).option("--state <DIR>", "the state directory", DEFAULT_STATE);
  own("info")
    .description("Says what is in it, and where its server is; a server may run, nothing changes.")
    .option("--json [FIELDS]", "the info as JSON")
    .action(({ state: path, json }: StateFlags) =>
      perform(async () => (await load()).sayInfo(resolve(path), { json: json !== undefined })),
    );
  own("export")
    .description("Writes all of it to a new file, or to standard output (-); no server may run.")
    .argument("<file>", "FILE.tar.gz, or -")
    .option(
      "--with-key",
      "the API key and the one that seals go along; else the import's next start makes others",
    )
    .action((file: string, { state: path, withKey = false }: StateFlags) =>
      perform(async () => (await load()).exportTo(resolve(path), file, { withKey })),
    );
  own("import")
    .description(
      "Makes a state directory, which must be new or empty, from such a file, or nothing.",
    )
    .argument("<file>", "FILE.tar.gz, or -")
    .action((file: string, { state: path }: StateFlags) =>
      perform(async () => (await load()).importFrom(resolve(path), file)),
    );
  own("clear")
    .description("Removes the directory for good; no server may run.")
    .option("--yes", "do not ask")
    .action(({ state: path, yes = false }: StateFlags) =>
      perform(async () => (await load()).clear(resolve(path), { yes })),
    );
}
