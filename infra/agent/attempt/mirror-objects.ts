import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ApiError, type Bucket } from "@google-cloud/storage";

/** A mirror as it is stored: a pack of all that one commit has, without the commits before it. */
export interface StoredMirror {
  /** The commit's id. */
  commit: string;
  sizeBytes: number;
  /** Of the object: what is read, and replaced, is this one. */
  generation: string;
}

/**
 * The objects of mirrors. Nothing is repeated: a run that has no mirror, or leaves none, is none
 * the worse.
 */
export interface MirrorObjects {
  /** Undefined: there is none, or what is there is none of ours. */
  find(name: string): Promise<StoredMirror | undefined>;
  /**
   * The content of one generation; it fails if that is not the latest. Nothing is said of what is
   * missing or wrong in it: a pack ends in its own hash.
   */
  open(name: string, generation: string): Readable;
  /**
   * Stores a file in the place of what was found, or where nothing was.
   *
   * @throws if another has been stored meanwhile, or the signal is aborted
   */
  put(name: string, mirror: MirrorFile): Promise<void>;
}

interface MirrorFile {
  path: string;
  commit: string;
  /** Of the object that it replaces; `"0"`: there is none. */
  generation: string;
  signal: AbortSignal;
}

const ABSENT = [403, 404];
const COMMIT = /^[0-9a-f]{40}$/;

/** The mirrors of `bucket`, through Google's client. */
export function mirrorObjectsOf(bucket: Bucket): MirrorObjects {
  return {
    async find(name) {
      try {
        const [{ size, generation, metadata }] = await bucket.file(name).getMetadata();
        const commit = String(metadata?.["commit"]);
        if (!COMMIT.test(commit)) return undefined;
        return { commit, sizeBytes: Number(size), generation: String(generation) };
      } catch (error) {
        if (error instanceof ApiError && ABSENT.includes(error.code ?? 0)) return undefined;
        throw error;
      }
    },
    open(name, generation) {
      // Git makes a hash of all of it anyway, and the client's of hundreds of megabytes takes seconds.
      const content = bucket.file(name, { generation }).createReadStream({ validation: false });
      // The client itself listens to it more often than Node finds sane.
      return content.once("response", (response: Readable) => response.setMaxListeners(20));
    },
    async put(name, { path, commit, generation, signal }) {
      const stored = bucket.file(name).createWriteStream({
        resumable: true,
        preconditionOpts: { ifGenerationMatch: Number(generation) },
        metadata: { contentType: "application/x-git-packed-objects", metadata: { commit } },
      });
      await pipeline(createReadStream(path), stored, { signal });
    },
  };
}
