import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { crc32c } from "./crc32c.ts";
import { StorageError } from "./errors.ts";

/** Checksums in Google's form, both base64: `crc32c` of the four bytes in big-endian order. */
export interface Checksums {
  crc32c: string;
  md5Hash: string;
}

/** A running digest: feed it with `update`, ask it once with `finish`. */
export interface Digest {
  update(chunk: Uint8Array): void;
  finish(): Checksums;
}

/** Starts the digest that every stored content gets. */
export function startDigest(): Digest {
  const md5 = createHash("md5");
  let crc = 0;
  return {
    update(chunk) {
      md5.update(chunk);
      crc = crc32c(chunk, crc);
    },
    finish: () => ({ crc32c: encodeCrc32c(crc), md5Hash: md5.digest("base64") }),
  };
}

/** Digests a whole file without holding it in memory. */
export async function digestFile(path: string): Promise<Checksums> {
  const digest = startDigest();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    digest.update(chunk as Buffer);
  }
  return digest.finish();
}

function encodeCrc32c(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("base64");
}

/**
 * The checksums that the headers `x-goog-hash` (`crc32c=…,md5=…`) and `content-md5` declare for the
 * content that follows. What is not declared is absent.
 */
export function declaredChecksums(headers: IncomingHttpHeaders): Partial<Checksums> {
  const declared: Partial<Checksums> = {};
  if (headers["content-md5"] !== undefined) declared.md5Hash = String(headers["content-md5"]);
  for (const part of String(headers["x-goog-hash"] ?? "").split(",")) {
    const [, name, value = ""] = /^\s*(crc32c|md5)=(.*?)\s*$/i.exec(part) ?? [];
    if (name?.toLowerCase() === "crc32c") declared.crc32c = value;
    if (name?.toLowerCase() === "md5") declared.md5Hash = value;
  }
  return declared;
}

/**
 * Refuses content that is not what the client said it would be.
 *
 * @throws {StorageError} badDigest, with both values
 */
export function checkChecksums(declared: Partial<Checksums>, actual: Checksums): void {
  if (declared.crc32c !== undefined && declared.crc32c !== actual.crc32c) {
    throw new StorageError(
      "badDigest",
      `Provided CRC32C "${declared.crc32c}" doesn't match calculated CRC32C "${actual.crc32c}".`,
    );
  }
  if (declared.md5Hash !== undefined && declared.md5Hash !== actual.md5Hash) {
    throw new StorageError(
      "badDigest",
      `Provided MD5 hash "${declared.md5Hash}" doesn't match calculated MD5 hash "${actual.md5Hash}".`,
    );
  }
}
