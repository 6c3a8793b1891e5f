import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Environment, NO_ATTRIBUTES, ownEnvironment, quote, runGit, seeGit } from "./git.ts";
import type { ReadEntry } from "./pack.ts";

/** For how long what was sent is kept here. */
const KEPT_DAYS = 30;

/** What was sent, and from where. */
export interface Origin {
  /** The folder. */
  root: string;
  /** The commit that it was on, if any, … */
  commit?: string;
  /** … and whether it differed from that. */
  changed?: boolean;
}

/**
 * Trees that were sent from this machine, by the ids of their uploads: what a run's patch is against
 * is there when the patch comes back, whatever has become of the tree meanwhile. A repository of
 * its own, in none of the user's: nothing of it is pushed, and folders without git have it too.
 */
export interface SentStore {
  folder: string;
  env: Environment;
}

/** `~/.local/state/runyard/sent.git`, or below `XDG_STATE_HOME`; it is made if it is not there. */
export async function openSentStore(env: Environment): Promise<SentStore> {
  const state = env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local/state");
  const folder = join(state, "runyard", "sent.git");
  const store = { folder, env: ownEnvironment(env) };
  if (existsSync(join(folder, "info/attributes"))) return store;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await runGit(["init", "--quiet", "--bare", "--template=", folder], { env: store.env });
  mkdirSync(join(folder, "info"), { recursive: true });
  writeFileSync(join(folder, "info/attributes"), NO_ATTRIBUTES);
  return store;
}

/** Runs git on the store. */
export const inStore = ({ folder }: SentStore, args: readonly string[]): string[] => [
  `--git-dir=${folder}`,
  ...args,
];

const refOf = (upload: string): string => `refs/sent/${upload}`;
/** Of what git writes when an import is broken off. */
const CRASH_REPORT = "fast_import_crash_";
/** A name for what is not sent yet. */
const draftRef = (): string => `refs/drafts/${crypto.randomUUID()}`;

/** A tree that is being kept. */
export interface Draft {
  ref: string;
  /** Keeps it by the upload's id. */
  keep(upload: string): Promise<void>;
  drop(): Promise<void>;
}

/**
 * Keeps a tree as it is read; `files` are put on top of it, where the run's agent finds them too.
 *
 * @param entries is read to its end
 */
export async function draftTree(
  store: SentStore,
  {
    entries,
    files,
    origin,
  }: { entries: AsyncIterable<ReadEntry>; files: ReadEntry[]; origin: Origin },
): Promise<Draft> {
  const ref = draftRef();
  const importing = ["fast-import", "--quiet", "--done", "--depth=0"];
  const options = ["-c", "core.compression=1", "-c", "fastimport.unpackLimit=0"];
  try {
    await runGit(inStore(store, [...options, ...importing]), {
      env: store.env,
      input: commandsOf(ref, { entries, files, origin }),
    });
  } catch (error) {
    const reports = readdirSync(store.folder).filter((name) => name.startsWith(CRASH_REPORT));
    for (const name of reports) rmSync(join(store.folder, name), { force: true });
    throw error;
  }
  const update = (...args: string[]) =>
    runGit(inStore(store, ["update-ref", ...args]), { env: store.env });
  return {
    ref,
    async keep(upload) {
      await update(refOf(upload), ref);
      await update("-d", ref);
    },
    drop: async () => void (await update("-d", ref)),
  };
}

/** Two commits: the tree, and if there are files, the tree with them. */
async function* commandsOf(
  ref: string,
  {
    entries,
    files,
    origin,
  }: { entries: AsyncIterable<ReadEntry>; files: ReadEntry[]; origin: Origin },
): AsyncGenerator<string | Uint8Array> {
  const message = Buffer.from(JSON.stringify(origin));
  const at = Math.floor(Date.now() / 1000);
  const head = `commit ${ref}\ncommitter runyard <runyard@invalid> ${at} +0000\ndata ${message.length}\n${message}\n`;
  yield head;
  for await (const entry of entries) yield* commandOf(entry);
  if (files.length > 0) yield head;
  for (const file of files) yield* commandOf(file);
  yield "done\n";
}

function* commandOf({ path, kind, isExecutable, content }: ReadEntry): Generator<string | Buffer> {
  if (kind === "folder") return;
  const fileMode = isExecutable ? "100755" : "100644";
  yield `M ${kind === "link" ? "120000" : fileMode} inline ${quote(path)}\ndata ${content.length}\n`;
  yield content;
  yield "\n";
}

/** A tree that was sent, as commits of the store. */
export interface SentTree {
  origin: Origin;
  /** The tree alone, … */
  plain: string;
  /** … and with the files that were sent with it. */
  withFiles: string;
}

/** What was sent as an upload; undefined: not from this machine, or too long ago. */
export async function findSent(store: SentStore, upload: string): Promise<SentTree | undefined> {
  const args = ["log", "--format=%H%x00%B%x00", refOf(upload), "--"];
  const { code, output } = await seeGit(inStore(store, args), { env: store.env });
  if (code !== 0) return undefined;
  const [withFiles = "", message = "{}", ...rest] = output.toString().trim().split("\0");
  const [plain = withFiles] = rest.filter((text) => text.trim() !== "");
  return { origin: JSON.parse(message), withFiles, plain: plain.trim() };
}

/** Gives up what was sent long ago. */
export async function forgetOld(store: SentStore): Promise<void> {
  const args = ["for-each-ref", "--format=%(committerdate:unix) %(refname)"];
  const listed = await runGit(inStore(store, args), { env: store.env });
  const before = Date.now() / 1000 - KEPT_DAYS * 24 * 3600;
  const old = listed
    .toString()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([at, ref]) => ref !== undefined && Number(at) < before);
  if (old.length === 0) return;
  const input = [old.map(([, ref]) => `delete ${ref}\n`).join("")];
  await seeGit(inStore(store, ["update-ref", "--stdin"]), { env: store.env, input });
  await seeGit(inStore(store, ["gc", "--quiet", "--prune=1.day.ago"]), { env: store.env });
}
