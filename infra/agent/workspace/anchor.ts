import { closeSync, constants, existsSync, openSync } from "node:fs";

const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Of Linux: a descriptor that stands for a place and needs no permission to read. */
const O_PATH = 0o10000000;
const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW;
const OPEN = "/proc/self/fd";
/** Elsewhere there is no sandbox, so there is nothing that an agent could be kept from. */
const canHold = existsSync(OPEN);

const SLASH = Buffer.from("/");

/**
 * One folder of a tree at a time, held open. What is in it is reached through the descriptor: an
 * agent at work could put a link in the place of any folder above it, and have us read what it may
 * not.
 */
export class Anchor implements Disposable {
  readonly #root: string;
  #below: Buffer | undefined;
  #descriptor: number | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The path of an entry on this machine, good until the next one is asked for. Only its last part
   * is still to be looked at: open it without following links.
   *
   * @param path bytes below the root, separated by `/`; empty: the root itself
   * @throws if one of the folders above it is none
   */
  pathOf(path: Buffer): Buffer {
    if (!canHold) return path.length === 0 ? Buffer.from(this.#root) : join(this.#root, path);
    const at = path.lastIndexOf(SLASH);
    this.#hold(path.subarray(0, Math.max(0, at)));
    const base = `${OPEN}/${this.#descriptor}`;
    return path.length === 0 ? Buffer.from(base) : join(base, path.subarray(at + 1));
  }

  /** The path of a folder itself, to be listed. */
  folderPathOf(path: Buffer): Buffer {
    if (!canHold) return this.pathOf(path);
    this.#hold(path);
    return Buffer.from(`${OPEN}/${this.#descriptor}`);
  }

  #hold(folder: Buffer): void {
    if (this.#below?.equals(folder)) return;
    this[Symbol.dispose]();
    let descriptor = openSync(this.#root, FOLDER);
    try {
      for (const name of namesOf(folder)) {
        const next = openSync(join(`${OPEN}/${descriptor}`, name), FOLDER);
        closeSync(descriptor);
        descriptor = next;
      }
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    this.#descriptor = descriptor;
    this.#below = folder;
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#below = undefined;
  }
}

const join = (folder: string, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(folder), SLASH, name]);

function namesOf(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; start < path.length; ) {
    const end = path.indexOf(SLASH, start);
    const name = path.subarray(start, end < 0 ? path.length : end);
    // No list of a folder has these.
    if (["", ".", ".."].includes(name.toString())) throw new Error("a path leads out of its tree");
    names.push(name);
    start = end < 0 ? path.length : end + 1;
  }
  return names;
}
