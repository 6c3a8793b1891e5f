import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  ApiError,
  type Bucket,
  type FileMetadata,
  Storage,
  type StorageOptions,
} from "@google-cloud/storage";

/** The attempt's objects. */
export interface Objects {
  /** Creates an object unless it exists. */
  createOnce(name: string, content: string): Promise<"created" | "exists">;
  /** @throws if it does not exist. */
  read(name: string): Promise<Buffer>;
  /**
   * Undefined if it does not exist, which looks like a lack of permission to those who may not
   * list.
   */
  find(name: string): Promise<Buffer | undefined>;
  /** False also for those who may not list, as in {@link find}. */
  exists(name: string): Promise<boolean>;
  /**
   * Creates an object out of a file, which must not change meanwhile.
   *
   * @returns what was uploaded.
   * @throws if another content has the name already.
   */
  upload(name: string, path: string, contentType: string): Promise<Uploaded>;
  /** The same out of what is in memory. */
  uploadContent(name: string, content: Buffer, contentType: string): Promise<Uploaded>;
}

interface Uploaded {
  sizeBytes: number;
  /** Lowercase hex. */
  sha256: string;
}

const PRECONDITION_FAILED = 412;
const ABSENT = [403, 404];
/** Larger files are sent in pieces that can be taken up again. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;
const ONCE = { preconditionOpts: { ifGenerationMatch: 0 } } as const;

const isTaken = (error: unknown): boolean =>
  error instanceof ApiError && error.code === PRECONDITION_FAILED;

const isAbsent = (error: unknown): boolean =>
  error instanceof ApiError && ABSENT.includes(error.code ?? 0);

/**
 * Google's client. It repeats nothing by itself: a download that it repeats throws where nobody can
 * catch it, and the process ends. See `patientObjects`.
 */
export const openStorage = (options: StorageOptions = {}): Storage =>
  new Storage({ ...options, retryOptions: { autoRetry: false } });

/** `customTime` of an object that is created now, by its name; undefined: it has none. */
export type CustomTimes = (name: string) => string | undefined;

/** The objects of `bucket`, through Google's client. */
export function objectsOf(bucket: Bucket, customTimes: CustomTimes = () => undefined): Objects {
  const timed = (name: string, metadata: FileMetadata): FileMetadata => {
    const customTime = customTimes(name);
    return customTime === undefined ? metadata : { ...metadata, customTime };
  };
  return {
    async createOnce(name, content) {
      try {
        const metadata = timed(name, { contentType: "application/json" });
        await bucket.file(name).save(content, { ...ONCE, resumable: false, metadata });
        return "created";
      } catch (error) {
        if (isTaken(error)) return "exists";
        throw error;
      }
    },
    async read(name) {
      const [content] = await bucket.file(name).download();
      return content;
    },
    async find(name) {
      try {
        const [content] = await bucket.file(name).download();
        return content;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    async exists(name) {
      try {
        await bucket.file(name).getMetadata();
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    },
    upload: (name, path, contentType) =>
      uploadFile(bucket, { name, path, metadata: timed(name, { contentType }) }),
    async uploadContent(name, content, contentType) {
      const md5Hash = createHash("md5").update(content).digest("base64");
      const options = { ...ONCE, resumable: content.length > RESUMABLE_BYTES };
      const metadata = timed(name, { contentType, md5Hash });
      await createOrFind(bucket, { name, md5Hash }, () =>
        bucket.file(name).save(content, { ...options, metadata }),
      );
      const sha256 = createHash("sha256").update(content).digest("hex");
      return { sizeBytes: content.length, sha256 };
    },
  };
}

interface Upload {
  name: string;
  path: string;
  metadata: FileMetadata;
}

async function uploadFile(bucket: Bucket, { name, path, metadata }: Upload): Promise<Uploaded> {
  const sha256 = createHash("sha256");
  const md5 = createHash("md5");
  for await (const chunk of createReadStream(path)) {
    sha256.update(chunk);
    md5.update(chunk);
  }
  const { size } = await stat(path);
  const md5Hash = md5.digest("base64");
  await createOrFind(bucket, { name, md5Hash }, () =>
    bucket.upload(path, {
      ...ONCE,
      destination: name,
      resumable: size > RESUMABLE_BYTES,
      metadata: { ...metadata, md5Hash },
    }),
  );
  return { sizeBytes: size, sha256: sha256.digest("hex") };
}

/** Creates an object; that it is there already, with this content, is as good. */
async function createOrFind(
  bucket: Bucket,
  { name, md5Hash }: { name: string; md5Hash: string },
  create: () => Promise<unknown>,
): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isTaken(error)) throw error;
    const [there] = await bucket.file(name).getMetadata();
    if (there.md5Hash !== md5Hash) throw error;
  }
}
