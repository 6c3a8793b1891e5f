import { constants } from "node:fs";
import { open, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../shared/clock.ts";
import { MIRROR_LIMITS, type MirrorPlace, mirrorObject } from "../../../shared/documents/mirror.ts";
import type { MirrorObjects, StoredMirror } from "../attempt/mirror-objects.ts";
import { type Helper, runHelper } from "../sandbox/helper.ts";
import { messageOf } from "../text.ts";
import { Anchor } from "./anchor.ts";
import { GIT_ENVIRONMENT } from "./git.ts";

/**
 * Mirrors of repositories as an attempt reads and leaves them: packs of what a git host has served,
 * so that it need not serve that again. What is wrong with one is logged, and fails nothing.
 */
export interface Mirrors {
  objects: MirrorObjects;
  place: MirrorPlace;
  /** What a host has to send at least, in bytes, before a mirror is left. */
  leastBytes: number;
  /** A folder of ours for what is to be left. */
  folder: string;
  clock: Clock;
  terminated: AbortSignal;
  /** Has something done when the attempt has its result. */
  later(work: () => Promise<void>): void;
}

/** The mirror of one repository. */
export interface Mirror extends Mirrors {
  name: string;
  /** What is there. Undefined: nothing. */
  found: StoredMirror | undefined;
}

/**
 * Looks for a repository's mirror.
 *
 * @param address `https://HOST/PATH`
 * @returns undefined: the storage does not say whether there is one, so none is left either.
 */
export async function findMirror(
  mirrors: Mirrors,
  address: string,
  log: Helper["log"],
): Promise<Mirror | undefined> {
  const name = mirrorObject(mirrors.place, address);
  try {
    return { ...mirrors, name, found: await mirrors.objects.find(name) };
  } catch (error) {
    log(`no mirror is looked for: ${messageOf(error)}`);
    return undefined;
  }
}

/** The name that the mirror's commit has while the host is asked for the rest. */
export const MIRROR_REF = "refs/runyard/mirror";

/**
 * Makes a repository of a pack on standard input; `$1` its folder, `$2` the commit. Every object is
 * hashed anew, and all that the commit has must be there.
 */
const BRING = `set -eu
mkdir -p "./$1"
cd "./$1"
git init --quiet --template= --initial-branch=main .
git -c core.fsync=none index-pack --stdin >/dev/null
echo "$2" >.git/shallow
git rev-list --objects --quiet "$2" --
git update-ref ${MIRROR_REF} "$2"
`;

/**
 * Brings a mirror's objects into an empty folder. Call only when the host has let the repository be
 * read: nobody is given of a mirror what the host does not let them have.
 *
 * @returns whether all of it is there; if not, what is there is to be removed.
 */
export async function bringMirror(
  { name, found, place, objects }: Mirror,
  { helper, folder, until }: { helper: Helper; folder: string; until: number },
): Promise<boolean> {
  if (found === undefined || found.sizeBytes > place.mostBytes) return false;
  const { clock, patience, path, log } = helper;
  const deadlineMs = Math.min(until - clock.now(), MIRROR_LIMITS.bring * 1000);
  let fault = "";
  const run = await runHelper(
    { ...helper, patience: { ...patience, deadlineMs, idleMs: Number.POSITIVE_INFINITY } },
    {
      command: ["/bin/bash", "-c", BRING, "bring", folder, found.commit],
      environment: { ...GIT_ENVIRONMENT, PATH: path },
      input: told(objects.open(name, found.generation), (error) => {
        fault = error;
      }),
    },
  );
  if (!run.isDone) {
    const why = fault || run.stoppedBy || run.complaint.trim().split("\n").at(-1);
    log(`the mirror cannot be used: ${why || "git says nothing"}`);
  }
  return run.isDone;
}

async function* told(
  content: AsyncIterable<Buffer>,
  tell: (fault: string) => void,
): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    tell(messageOf(error));
    throw error;
  }
}

const PACK = /^pack-[0-9a-f]{40}\.pack$/;
const { O_RDONLY, O_NOFOLLOW } = constants;

/**
 * Takes what a checkout has fetched to leave it as the repository's mirror, if the host had to send
 * enough for that. Call only while nothing but git has worked in the folder.
 */
export async function keepMirror(
  mirror: Mirror,
  { root, folder, commit, received }: Kept,
  log: Helper["log"],
): Promise<void> {
  if (received < mirror.leastBytes) return;
  const copy = join(mirror.folder, `mirror-${commit}-${mirror.name.slice(-12)}`);
  try {
    const sizeBytes = await copyPack({ root, folder }, copy, (size) =>
      isWorthIt(mirror, { size, received }),
    );
    if (sizeBytes === undefined) return;
    mirror.later(() => leave(mirror, { path: copy, commit, sizeBytes }, log));
  } catch (error) {
    await rm(copy, { force: true });
    log(`no mirror is left: ${messageOf(error)}`);
  }
}

interface Kept {
  /** The workspace, and the repository's folder in it. */
  root: string;
  folder: string;
  commit: string;
  /** Bytes that its host has sent. */
  received: number;
}

async function isWorthIt(
  { folder, place }: Mirror,
  { size, received }: { size: number; received: number },
): Promise<boolean> {
  if (size > place.mostBytes || received < size * MIRROR_LIMITS.leastShare) return false;
  const { bavail, bsize } = await statfs(folder);
  return size <= bavail * bsize * MIRROR_LIMITS.roomShare;
}

/** Copies the one pack of a repository. @returns its size; undefined: there is no one, or no wish. */
async function copyPack(
  { root, folder }: Pick<Kept, "root" | "folder">,
  copy: string,
  isWanted: (size: number) => Promise<boolean>,
): Promise<number | undefined> {
  using anchor = new Anchor(root);
  const packs = join(folder, ".git/objects/pack");
  const names = await readdir(anchor.folderPathOf(Buffer.from(packs)));
  const [name, ...others] = names.filter((each) => PACK.test(each.toString()));
  if (name === undefined || others.length > 0) return undefined;
  const path = anchor.pathOf(Buffer.from(join(packs, name.toString())));
  await using pack = await open(path, O_RDONLY | O_NOFOLLOW);
  const { size } = await pack.stat();
  if (!(await isWanted(size))) return undefined;
  await using file = await open(copy, "wx", 0o600);
  await file.writeFile(pack.createReadStream({ autoClose: false }));
  return size;
}

async function leave(
  { name, objects, found, clock, terminated }: Mirror,
  { path, commit, sizeBytes }: { path: string; commit: string; sizeBytes: number },
  log: Helper["log"],
): Promise<void> {
  const late = new AbortController();
  const stop = clock.after(MIRROR_LIMITS.leave * 1000, () => late.abort());
  try {
    const signal = AbortSignal.any([terminated, late.signal]);
    await objects.put(name, { path, commit, signal, generation: found?.generation ?? "0" });
    log(`left a mirror of ${megabytes(sizeBytes)}`);
  } catch (error) {
    log(`no mirror is left: ${messageOf(error)}`);
  } finally {
    stop();
    await rm(path, { force: true });
  }
}

/** An amount for people: `470 MB`. */
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** What was fetched, and from where. */
export const fetchedText = (received: number, ofMirror: number): string =>
  `${megabytes(received + ofMirror)}, ${megabytes(ofMirror)} of them from its mirror`;
