import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { FileMetadata, Storage } from "@google-cloud/storage";
import type { Clock } from "../../../shared/clock.ts";
import { after } from "../../../shared/clock.ts";
import {
  type CreateUpload,
  UPLOAD_SECONDS,
  type Upload,
  type Uploaded,
  uploadObject,
} from "../../../shared/documents/upload.ts";
import type { Uploads } from "../../services/uploads.ts";
import { type Calling, codeOf } from "../google-error.ts";
import { callingStorage } from "./calling.ts";
import type { LazyStorage } from "./client.ts";

const NOT_FOUND = 404;
const CONTENT_TYPE = "application/octet-stream";
const DIGEST = "sha256";

/** Uploads by signed URLs; the objects lie beside those of attempts. */
export class StorageUploads implements Uploads {
  readonly #bucket: string;
  readonly #storage: LazyStorage;
  readonly #signing: LazyStorage;
  readonly #call: Calling;

  /** @param options.signing the client that signs; default: the same, which has IAM sign */
  constructor(
    { bucket }: { bucket: string },
    storage: LazyStorage,
    { timers, signing = storage }: { timers: Pick<Clock, "after">; signing?: LazyStorage },
  ) {
    this.#bucket = bucket;
    this.#storage = storage;
    this.#signing = signing;
    this.#call = callingStorage(timers);
  }

  async announce(
    { owner, id, sha256, sizeBytes }: CreateUpload & { owner: string; id: string },
    now: Date,
  ): Promise<Upload> {
    const file = (await this.#signing()).bucket(this.#bucket).file(uploadObject(owner, id));
    const expiresAt = after(now, UPLOAD_SECONDS);
    const extensionHeaders = {
      "x-goog-content-length-range": `${sizeBytes},${sizeBytes}`,
      "x-goog-if-generation-match": "0",
      [`x-goog-meta-${DIGEST}`]: sha256,
    };
    const [url] = await this.#call(() =>
      file.getSignedUrl({
        version: "v4",
        action: "write",
        accessibleAt: now,
        expires: expiresAt,
        contentType: CONTENT_TYPE,
        extensionHeaders,
      }),
    );
    return { id, url, headers: { "content-type": CONTENT_TYPE, ...extensionHeaders }, expiresAt };
  }

  async find(owner: string, id: string): Promise<Uploaded | undefined> {
    const object = uploadObject(owner, id);
    const found = await this.#metadataOf(object);
    const sha256 = found?.metadata?.[DIGEST];
    if (typeof sha256 !== "string") return undefined;
    return { object, sizeBytes: Number(found?.size), sha256 };
  }

  async isKept(object: string): Promise<boolean> {
    return (await this.#metadataOf(object)) !== undefined;
  }

  async #metadataOf(object: string): Promise<FileMetadata | undefined> {
    const file = (await this.#storage()).bucket(this.#bucket).file(object);
    try {
      const [metadata] = await this.#call(() => file.getMetadata());
      return metadata;
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }
}

/**
 * A client that signs with a key of its own, for an emulator: it knows no keys, and takes every
 * signature for a right one.
 */
export function selfSigning({ projectId }: { projectId: string }): LazyStorage {
  let opened: Promise<Storage> | undefined;
  const open = async (): Promise<Storage> => {
    const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const credentials = { client_email: "emulator@example.com", private_key: key };
    const { Storage } = await import("@google-cloud/storage");
    return new Storage({ projectId, credentials, retryOptions: { autoRetry: false } });
  };
  return () => {
    opened ??= open();
    return opened;
  };
}
