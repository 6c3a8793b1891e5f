import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { Artifact, Run } from "../../client/types.ts";
import { applyRun, patchOf } from "../apply.ts";
import { table } from "../columns.ts";
import { writeContent } from "../content.ts";
import { Failure, usageFault } from "../failure.ts";
import { ARTIFACT_FIELDS, jsonPrinter } from "../json.ts";
import { type CliContext, remote, runId, type Session } from "../session.ts";
import { withJson } from "../settings-flags.ts";
import { complain, oneLine, printable, say, widthOf } from "../terminal.ts";
import { bytes } from "../text.ts";

/** `runyard diff`, `apply` and `artifacts`: what a run left. */
export function addResults(program: Command, context: CliContext): void {
  addDiff(program, context);
  addApply(program, context);
  addArtifacts(program, context);
}

function addDiff(program: Command, context: CliContext): void {
  const command = program
    .command("diff")
    .description("Prints what a run changed, as a patch for git apply.")
    .argument("<run>", "the run's id", runId)
    .option("--stat", "only which files, and how many lines");
  remote<{ stat?: boolean }, [string]>(command, context, async ({ session, args, options }) => {
    const id = args[0];
    if (options.stat) return sayStat(await session.client.runs.get(id));
    const patch = await patchOf(id, session.client);
    if (patch === undefined) complain("The run changed nothing, or is still at work.");
    else await writeContent(Readable.from([patch]));
  });
}

function sayStat({ output, done }: Run): void {
  if (!output && !done)
    throw new Failure("The run is still at work; its changes come with its end.");
  const rows = (output?.changedFiles ?? []).map(({ path, status, added, removed }) => [
    status,
    added === null ? "binary" : `+${added} -${removed ?? 0}`,
    printable(oneLine(path)),
  ]);
  for (const line of table(rows, widthOf(process.stdout))) say(line);
  const more = output?.moreChangedFiles ?? 0;
  if (more > 0) complain(`and ${more} more`);
  if (rows.length === 0) complain("The run changed nothing.");
}

function addApply(program: Command, context: CliContext): void {
  const command = program
    .command("apply")
    .description(
      "Brings what a run changed to the working tree of this folder; with what it was sent from here it is merged, even if that has moved on.",
    )
    .argument("<run>", "the run's id", runId)
    .option("--3way", "leave conflicts in the files instead of refusing")
    .option("--folder <NAME>", "of several repositories the one that this is a clone of")
    .option("--check", "only say whether it applies, and change nothing");
  remote<{ "3way"?: boolean; check?: boolean; folder?: string }, [string]>(
    command,
    context,
    async ({ session, args, options }) => {
      const run = await session.client.runs.get(args[0]);
      return applyRun(run, session.client, {
        env: session.env,
        is3way: options["3way"] ?? false,
        folder: options.folder,
        isTried: options.check ?? false,
      });
    },
  );
}

interface ArtifactFlags {
  all?: boolean;
  prefix?: string;
  output?: string;
}

function addArtifacts(program: Command, context: CliContext): void {
  const command = program
    .command("artifacts")
    .description("Lists what a finished run left, prints one of it, or fetches it all.")
    .argument("<run>", "the run's id", runId)
    .argument("[name]", "print this one on standard output, or write it to -o")
    .option("--all", "fetch all of them")
    .option("--prefix <START>", "of all only those whose names begin so, as files/dist/")
    .option("-o, --output <PATH>", "the file for one, the folder for all");
  withJson(command, "the list");
  remote<ArtifactFlags, [string, string?]>(command, context, async ({ session, args, options }) => {
    const [id, name] = [args[0], args[1]];
    const { all, output, prefix } = options;
    if (prefix !== undefined && !all) throw usageFault("--prefix needs --all");
    if (all && name !== undefined) throw usageFault("--all and a name: say one of them");
    if (all) return fetchAll(session, id, options);
    if (name !== undefined) return fetchOne(session, { id, name, output });
    if (output !== undefined) throw usageFault("-o needs the name of one, or --all");
    const print = jsonPrinter(options.json, ARTIFACT_FIELDS);
    const list = await session.client.runs.artifacts(id);
    if (print) list.forEach(print);
    else sayArtifacts(list);
  });
}

function sayArtifacts(list: readonly Artifact[]): void {
  if (list.length === 0) complain(NONE);
  const rows = list.map(({ name, contentType, sizeBytes }) => [
    bytes(sizeBytes),
    printable(oneLine(contentType)),
    printable(oneLine(name)),
  ]);
  for (const line of table(rows, widthOf(process.stdout))) say(line);
}

const NONE = "There are none; those of a run at work come with its end.";

interface Wanted {
  id: string;
  name: string;
  output: string | undefined;
}

async function fetchOne({ client }: Session, { id, name, output }: Wanted): Promise<void> {
  const { body } = await client.runs.artifact(id, name);
  const content = body === null ? Readable.from([]) : Readable.fromWeb(body);
  if (output === undefined || output === "-") return writeContent(content);
  await pipeline(content, createWriteStream(resolve(output), { flags: "w" }));
}

/** Fetches all at once, as one archive; what is not whole in it is not left behind. */
async function fetchAll(
  { client }: Session,
  id: string,
  { output, prefix = "" }: ArtifactFlags,
): Promise<void> {
  if (output === undefined) throw usageFault("--all needs a folder: -o DIR");
  const folder = resolve(output);
  const list = (await client.runs.artifacts(id)).filter(({ name }) => name.startsWith(prefix));
  if (list.length === 0) return complain(NONE);
  const missing = new Map(list.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const { createTarDecoder } = await import("modern-tar");
  const { body } = await client.runs.artifactsTar(id, { prefix });
  if (body === null) throw new Failure("The server sent no archive.");
  for await (const { header, body: content } of body.pipeThrough(createTarDecoder())) {
    const { name, size, type } = header;
    const file = placeIn(folder, name);
    if (type !== "file" || missing.get(name) !== size) {
      throw new Failure(`The server sent ${oneLine(name)}, which is none of the run's artifacts`);
    }
    mkdirSync(dirname(file), { recursive: true });
    await fetchWhole(Readable.fromWeb(content), file);
    missing.delete(name);
    say(`${file}  ${bytes(size)}`);
  }
  const [first] = missing.keys();
  if (first !== undefined) throw new Failure(`The server did not send ${oneLine(first)}`);
}

/** No half of a file is left where the whole was to be. */
async function fetchWhole(content: Readable, file: string): Promise<void> {
  try {
    await pipeline(content, createWriteStream(file));
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

/** The server's names lead nowhere else. */
function placeIn(folder: string, name: string): string {
  const file = resolve(join(folder, name));
  if (file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return file;
  throw new Failure(`The server names an artifact ${oneLine(name)}, which leads out of ${folder}`);
}
