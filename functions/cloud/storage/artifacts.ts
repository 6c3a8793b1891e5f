import type { Bucket, File, FileMetadata, FileOptions } from "@google-cloud/storage";
import { type BuildPlan, logObject } from "../../../shared/attempt/build-plan.ts";
import type { Clock } from "../../../shared/clock.ts";
import {
  type AttemptPaths,
  checkpointObject,
  pathsUnder,
} from "../../../shared/documents/attempt.ts";
import {
  ARTIFACT_PREFIX,
  type BuildManifest,
  Checkpoint,
  Claim,
  MANIFEST_LIMITS,
  Manifest,
  type Output,
} from "../../../shared/documents/manifest.ts";
import { sha256 } from "../../../shared/hash.ts";
import { parsedJson } from "../../../shared/json.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import type { Artifacts } from "../../services/objects.ts";
import { type Calling, codeOf } from "../google-error.ts";
import { callingStorage } from "./calling.ts";
import type { LazyStorage } from "./client.ts";

const PRECONDITION_FAILED = 412;
const NOT_FOUND = 404;

const validateClaim = validatorOf(Claim);
const validateManifest = validatorOf(Manifest);
const validateCheckpoint = validatorOf(Checkpoint);

/** An object's content together with the generation that it was read at. */
interface Content {
  bytes: Buffer;
  generation: string;
}

/** The objects of attempts in Cloud Storage. */
export class StorageArtifacts implements Artifacts {
  readonly bucketName: string;
  readonly #storage: LazyStorage;
  readonly #call: Calling;

  constructor({ bucket }: { bucket: string }, storage: LazyStorage, timers: Pick<Clock, "after">) {
    this.bucketName = bucket;
    this.#storage = storage;
    this.#call = callingStorage(timers);
  }

  async load(): Promise<void> {
    await this.#bucket();
  }

  uriOf(object: string): string {
    return `gs://${this.bucketName}/${object}`;
  }

  async putInput(
    object: string,
    { archive, customTime }: { archive: Buffer; customTime: string | undefined },
  ): Promise<BuildPlan["source"]["storageSource"]> {
    const contentType = "application/gzip";
    await this.#create(object, archive, { contentType, ...(customTime && { customTime }) });
    const file = await this.#file(object);
    const [metadata] = await this.#call(() => file.getMetadata());
    return { bucket: this.bucketName, object, generation: String(metadata.generation) };
  }

  async claimOf(paths: AttemptPaths): Promise<Claim | undefined> {
    const content = await this.#read(paths.claim, MANIFEST_LIMITS.bytes);
    if (content === undefined) return undefined;
    const claim = validateClaim(parsedJson(content.bytes.toString("utf8")));
    // Only a claim that a build forged can be malformed: no agent of ours stands behind it.
    return claim.ok ? claim.value : { by: "seal", cause: "malformed claim" };
  }

  async sealClaim(paths: AttemptPaths, cause: string): Promise<Claim> {
    await this.#createJson(paths.claim, { by: "seal", cause } satisfies Claim);
    const claim = await this.claimOf(paths);
    if (claim === undefined) throw new Error(`${paths.claim} vanished`);
    return claim;
  }

  putTokens(object: string, sealed: string): Promise<void> {
    return this.#create(object, Buffer.from(sealed), { contentType: "application/json" });
  }

  async markCancel(paths: AttemptPaths): Promise<void> {
    await this.#createJson(paths.cancel, {});
  }

  async manifestOf(paths: AttemptPaths): Promise<Manifest | undefined> {
    const content = await this.#read(paths.manifest, MANIFEST_LIMITS.bytes);
    if (content === undefined) return undefined;
    const manifest = validateManifest(parsedJson(content.bytes.toString("utf8")));
    if (manifest.ok) return manifest.value;
    const fault = manifest.faults[0];
    return {
      schemaVersion: 1,
      by: "seal",
      cause: `malformed manifest: ${fault?.pointer} ${fault?.detail}`,
    };
  }

  async sealManifest(paths: AttemptPaths, cause: string): Promise<Manifest> {
    await this.#createJson(paths.manifest, {
      schemaVersion: 1,
      by: "seal",
      cause,
    } satisfies Manifest);
    const manifest = await this.manifestOf(paths);
    if (manifest === undefined) throw new Error(`${paths.manifest} vanished`);
    return manifest;
  }

  async deleteRun(runId: string, logsBucket: string): Promise<void> {
    const prefix = `attempts/${runId}/`;
    const bucket = await this.#bucket();
    const [files] = await this.#call(() => bucket.getFiles({ prefix }));
    for (const { name } of files.filter((file) => file.name.endsWith("/claim"))) {
      const claim = await this.claimOf(pathsUnder(name.slice(0, -"claim".length)));
      if (claim?.by === "build") await this.#deleteLog(logsBucket, claim.buildId);
    }
    // The claims say where the logs are, so they go last.
    const last = files.filter((file) => file.name.endsWith("/claim"));
    const first = files.filter((file) => !last.includes(file));
    for (const group of [first, last]) {
      await Promise.all(
        group.map((file) => this.#call(() => file.delete({ ignoreNotFound: true }))),
      );
    }
  }

  async #deleteLog(logsBucket: string, buildId: string): Promise<void> {
    const { bucket, name } = logObject(logsBucket, buildId);
    const file = (await this.#storage()).bucket(bucket).file(name);
    await this.#call(() => file.delete({ ignoreNotFound: true }));
  }

  async faultOf(manifest: BuildManifest, paths: AttemptPaths): Promise<string | undefined> {
    return this.#faultIn(manifest.outputs, paths.outputs);
  }

  async checkpointOf(paths: AttemptPaths): Promise<Checkpoint | undefined> {
    const options = { prefix: paths.checkpoints, delimiter: "/" };
    const bucket = await this.#bucket();
    const [files] = await this.#call(() => bucket.getFiles(options));
    const newestFirst = files.map(({ name }) => name).sort((a, b) => (a < b ? 1 : -1));
    for (const name of newestFirst) {
      const checkpoint = await this.#checkpoint(paths, name);
      if (checkpoint === undefined) continue;
      const fault = await this.#faultIn(checkpoint.outputs, paths.checkpoints);
      if (fault === undefined) return checkpoint;
    }
    return undefined;
  }

  checkpointAt(paths: AttemptPaths, number: number): Promise<Checkpoint | undefined> {
    return this.#checkpoint(paths, checkpointObject(paths, number));
  }

  async #checkpoint(paths: AttemptPaths, name: string): Promise<Checkpoint | undefined> {
    const content = await this.#read(name, MANIFEST_LIMITS.bytes);
    const checkpoint = validateCheckpoint(parsedJson(content?.bytes.toString("utf8") ?? ""));
    if (!checkpoint.ok || checkpointObject(paths, checkpoint.value.number) !== name)
      return undefined;
    return checkpoint.value;
  }

  async #faultIn(outputs: readonly Output[], prefix: string): Promise<string | undefined> {
    const faults = await Promise.all(outputs.map((output) => this.#faultOf(output, prefix)));
    return faults.find((fault) => fault !== undefined);
  }

  async #faultOf(output: Output, prefix: string): Promise<string | undefined> {
    if (!output.object.startsWith(prefix)) return `${output.name} is not one of its outputs`;
    // There may be many, and nothing but their readers needs them: these are told.
    if (output.name.startsWith(ARTIFACT_PREFIX)) return undefined;
    // The result is read whole and checked against its digest; the rest by presence and size.
    if (output.name === "result.json") return this.#digestFault(output);
    try {
      const file = await this.#file(output.object);
      const [metadata] = await this.#call(() => file.getMetadata());
      if (Number(metadata.size) === output.sizeBytes) return undefined;
      return `${output.name} has ${metadata.size} bytes, not ${output.sizeBytes}`;
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return `${output.name} is missing`;
      throw error;
    }
  }

  async #digestFault(output: Output): Promise<string | undefined> {
    const content = await this.#read(output.object, output.sizeBytes);
    if (content === undefined) return `${output.name} is missing`;
    return sha256(content.bytes) === output.sha256
      ? undefined
      : `${output.name} is not what was uploaded`;
  }

  #createJson(object: string, value: unknown): Promise<void> {
    const contentType = "application/json";
    return this.#create(object, Buffer.from(JSON.stringify(value)), { contentType });
  }

  /** Creates the object; one that exists already is left as it is. */
  async #create(object: string, bytes: Buffer, metadata: FileMetadata): Promise<void> {
    try {
      const file = await this.#file(object);
      const preconditionOpts = { ifGenerationMatch: 0 };
      const options = { resumable: false, metadata, preconditionOpts };
      await this.#call(() => file.save(bytes, options));
    } catch (error) {
      if (codeOf(error) !== PRECONDITION_FAILED) throw error;
    }
  }

  /**
   * Reads one generation whole: some downloads come back short without an error. An object larger
   * than it can rightly be reads as empty, which nothing accepts.
   */
  async #read(object: string, maxBytes: number): Promise<Content | undefined> {
    try {
      const file = await this.#file(object);
      const [metadata] = await this.#call(() => file.getMetadata());
      const sizeBytes = Number(metadata.size);
      const generation = String(metadata.generation);
      if (sizeBytes > maxBytes) return { bytes: Buffer.alloc(0), generation };
      const pinned = await this.#file(object, { generation });
      const [bytes] = await this.#call(() => pinned.download());
      if (bytes.length === sizeBytes) return { bytes, generation };
      throw new Error(`${object}: read ${bytes.length} of ${sizeBytes} bytes`);
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }

  async #file(object: string, options?: FileOptions): Promise<File> {
    return (await this.#bucket()).file(object, options);
  }

  async #bucket(): Promise<Bucket> {
    return (await this.#storage()).bucket(this.bucketName);
  }
}
