import { createReadStream, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { unpackTar } from "modern-tar/fs";

/**
 * `functions/`, `shared/` and `infra/agent/` of the revision that this tree is deployed over:
 * `git archive REVISION functions shared infra/agent | gzip -9n`. Each release puts the one before
 * here.
 */
const BEFORE = join(import.meta.dirname, "before.tar.gz");

/**
 * Unpacks the revision before into a folder of its own, from which the packages of this tree are
 * found and Node takes types away. Whoever calls removes it.
 */
export async function unpackBefore(): Promise<string> {
  const dist = join(import.meta.dirname, "../../../dist");
  mkdirSync(dist, { recursive: true });
  const folder = mkdtempSync(join(dist, "before-"));
  await pipeline(createReadStream(BEFORE), createGunzip(), unpackTar(folder));
  return folder;
}
