import type { Client } from "../../client/client.ts";
import type { CreateRun } from "../../client/types.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageFault } from "../failure.ts";
import { Detached, isAtTerminal, isConfirmed, watchInterrupts } from "../follow/detach.ts";
import { complain, oneLine } from "../terminal.ts";
import { bytes, counted } from "../text.ts";
import { type Environment, pointless, seeGit } from "./git.ts";
import { type Listing, listTree, repositoryOf, sizesOf, TREE_LIMITS } from "./listing.ts";
import { openPack, type Packed, type ReadEntry, type Remarks, readTree } from "./pack.ts";
import { type Draft, draftTree, forgetOld, type Origin, openSentStore } from "./sent-store.ts";

export interface HereOptions {
  env: Environment;
  /** What becomes of files that look as if they held secrets. Default: it is asked. */
  secrets: "send" | "omit" | undefined;
  /** What is put on top of the tree. */
  files: ReadEntry[];
}

type Workspace = NonNullable<CreateRun["workspace"]>;

/**
 * Sends the working tree of the present folder as it is, after it has said what that is.
 *
 * @returns what a run begins with that shall begin with it
 * @throws {Failure} if it is too large, or may not be sent
 */
export async function sendHere(client: Client, options: HereOptions): Promise<Workspace> {
  using interrupts = watchInterrupts();
  const { signal } = interrupts;
  try {
    const { draft, origin, packed, remarks } = await readHere(options, signal);
    try {
      await refuseSecrets(options, remarks);
      signal.throwIfAborted();
      const { archive } = packed;
      complain(`Uploading ${bytes(archive.length)} …`);
      const startedAt = performance.now();
      const upload = await client.upload(archive, { signal });
      complain(`Uploaded in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
      await draft.keep(upload);
      const { commit, changed } = origin;
      return { upload, ...(commit !== undefined && { commit }), ...(changed && { changed }) };
    } catch (error) {
      await draft.drop();
      throw error;
    }
  } catch (error) {
    // A Ctrl-C ends git as well, which says so first.
    if (!(error instanceof Detached || signal.aborted)) throw error;
    throw new Failure("Broken off: no run was made.", { exitCode: EXIT.detached, cause: error });
  }
}

/** Says what would be sent; nothing is. */
export async function sayHere(options: HereOptions): Promise<void> {
  using interrupts = watchInterrupts();
  const { draft, remarks } = await readHere(options, interrupts.signal);
  await draft.drop();
  if (remarks.secrets.length > 0) complain(secretsText(options, remarks));
}

interface Read {
  draft: Draft;
  origin: Origin;
  packed: Packed;
  remarks: Remarks;
}

/** Reads the tree, once: what is sent and what is kept of it are the same. */
async function readHere(options: HereOptions, signal: AbortSignal): Promise<Read> {
  const { env, files, secrets } = options;
  const store = await openSentStore(env);
  await forgetOld(store);
  const top = await repositoryOf(process.cwd(), env);
  const isRepository = top !== undefined;
  const root = top ?? process.cwd();
  const listing = await listTree(root, { isRepository, empty: store.folder, env });
  const origin = { root, ...(isRepository && (await commitAt(root, env))) };
  sayListing(listing, origin);
  refuseTooMuch(listing);
  const remarks: Remarks = { secrets: [], pointers: [], unsteady: [] };
  const pack = await openPack();
  const reading = readTree(listing, { omitsSecrets: secrets === "omit", signal }, remarks);
  const draft = await draftTree(store, { entries: pack.through(reading), files, origin });
  try {
    const packed = await pack.done();
    sayRead(packed, remarks);
    return { draft, origin, packed, remarks };
  } catch (error) {
    await draft.drop();
    throw error;
  }
}

async function commitAt(cwd: string, env: Environment): Promise<Omit<Origin, "root">> {
  const options = { cwd, env: pointless(env) };
  const { code, output } = await seeGit(["rev-parse", "--verify", "--quiet", "HEAD"], options);
  if (code !== 0) return {};
  const status = ["--no-optional-locks", "status", "--porcelain", "-z"];
  const { output: differs } = await seeGit(status, options);
  return { commit: output.toString().trim(), changed: differs.length > 0 };
}

/** How many names of one kind are shown. */
const SHOWN = 10;

function enumerated(names: readonly string[]): string {
  const more = names.length - SHOWN;
  const shown = names.slice(0, SHOWN).map(oneLine).join(", ");
  return more > 0 ? `${shown}, and ${more} more` : shown;
}

function sayListing(listing: Listing, { root, commit, changed }: Origin): void {
  const { entries, isRepository, repositories, leftOut } = listing;
  const files = entries.filter(({ kind }) => kind !== "folder").length;
  const { total, largest } = sizesOf(listing);
  const state = commit && `, commit ${commit.slice(0, 10)}${changed ? " with changes" : ""}`;
  const kind = isRepository ? (state ?? ", without a commit") : ", no repository of git";
  complain(`This tree goes to the server as it is: ${oneLine(root)}${kind}`);
  const tops = largest.slice(0, 3).map(([name, sum]) => `${oneLine(name)} ${bytes(sum.bytes)}`);
  const most = tops.length === 0 ? "" : `; most of it ${tops.join(", ")}`;
  complain(`  ${counted(files, "file")}, ${bytes(total)}${most}`);
  if (!isRepository) complain("  Without node_modules and the like, and what a .gitignore names.");
  if (repositories.length > 0) {
    complain(`  Repositories in it go as folders: ${enumerated(repositories)}`);
  }
  if (leftOut.length > 0) complain(`  Left out: ${enumerated(leftOut)}`);
}

/** @throws {Failure} before anything is read */
function refuseTooMuch(listing: Listing): void {
  const { entries } = listing;
  const { total } = sizesOf(listing);
  const { entries: most, bytes: mostBytes } = TREE_LIMITS;
  if (entries.length === 0) throw new Failure(`There is nothing to send in ${listing.root}.`);
  if (entries.length <= most && total + entries.length * TAR_BYTES <= mostBytes) return;
  throw new Failure(
    `That is too much: at most ${most} files and ${bytes(mostBytes)} are taken. Have git ignore what is not needed (.gitignore).`,
  );
}

/** What a tar adds to a file, or a little more. */
const TAR_BYTES = 1024;

function sayRead({ count, sizeBytes, archive }: Packed, { pointers, unsteady }: Remarks): void {
  const what = `${counted(count, "file")}, ${bytes(sizeBytes)}`;
  complain(`  Packed: ${what}, ${bytes(archive.length)} as an archive`);
  if (pointers.length > 0) {
    complain(`  Of these Git LFS has the contents (git lfs pull): ${enumerated(pointers)}`);
  }
  if (unsteady.length > 0) {
    complain(`  Written to while they were read, and sent so: ${enumerated(unsteady)}`);
  }
}

function secretsText({ secrets }: HereOptions, { secrets: found }: Remarks): string {
  const them = `${counted(found.length, "file")} that may hold secrets: ${enumerated(found)}`;
  if (secrets === undefined) return `  There ${found.length === 1 ? "is" : "are"} ${them}`;
  return `  ${secrets === "omit" ? "Stays here" : "Goes, too"}: ${them}`;
}

const CHOICE = "--secrets omit leaves them here, --secrets send has them go";

async function refuseSecrets(options: HereOptions, remarks: Remarks): Promise<void> {
  if (remarks.secrets.length === 0) return;
  complain(secretsText(options, remarks));
  if (options.secrets !== undefined) return;
  if (!isAtTerminal()) throw usageFault(`Nothing was sent, as nobody can be asked: ${CHOICE}.`);
  if (await isConfirmed("Send them, too? The agent can read them. [y/N] ")) return;
  throw new Failure(`Nothing was sent. ${CHOICE}.`);
}
