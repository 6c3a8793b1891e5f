import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { unpackTar } from "modern-tar/fs";
import { BuildFailure, type BuildRun } from "./build-run.ts";

/**
 * Unpacks the build's source archive into its workspace; without a source the workspace stays
 * empty. Nothing is ever written outside of it: entries that point out of it fail the build.
 *
 * @throws {BuildFailure} FETCH_SOURCE_FAILED
 */
export async function fetchSource(run: BuildRun): Promise<void> {
  const source = run.build.source?.storageSource;
  if (source === undefined || source === null) return;
  const { bucket = "", object = "", generation } = source;
  const wanted = generation === "0" ? undefined : generation;
  // Differs: Google resolves the source at CreateBuild already and then refuses one that does not
  // exist.
  const found = await run.engine.surroundings.readObject(bucket, object, wanted);
  const url = `gs://${bucket}/${object}`;
  if (found === undefined) {
    const name = wanted === undefined ? url : `${url}#${wanted}`;
    throw fetchFailure(`object ${name} not found`);
  }
  run.sourceGeneration = found.generation;
  run.log.line(`Fetching storage object: ${url}#${found.generation}`);
  try {
    await unpack(found.path, run);
  } catch (error) {
    throw fetchFailure(`unpacking ${url}: ${String(error)}`, { cause: error });
  }
}

async function unpack(path: string, { files, signal }: BuildRun): Promise<void> {
  await pipeline(
    createReadStream(path),
    createGunzip(),
    unpackTar(files.workspace, { strict: true }),
    { signal },
  );
}

function fetchFailure(reason: string, options?: ErrorOptions): BuildFailure {
  return new BuildFailure(`failed to fetch source: ${reason}`, {
    ...options,
    type: "FETCH_SOURCE_FAILED",
  });
}
