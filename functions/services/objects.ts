import type { BuildPlan } from "../../shared/attempt/build-plan.ts";
import type { AttemptPaths } from "../../shared/documents/attempt.ts";
import type {
  BuildManifest,
  Checkpoint,
  Claim,
  Manifest,
} from "../../shared/documents/manifest.ts";

/**
 * The objects of attempts: input, claim, cancel marker, outputs, manifest. Claim and manifest are
 * created once; whoever comes second reads what the first has written.
 */
export interface Artifacts {
  readonly bucketName: string;
  /** Makes ready what takes a while; the first call does otherwise. */
  load(): Promise<void>;
  /** `gs://bucket/object` */
  uriOf(object: string): string;
  /**
   * Uploads a build's source and returns it pinned by its generation.
   *
   * @param input.customTime RFC 3339; a day after it the object is deleted. Undefined: it is not
   */
  putInput(
    object: string,
    input: { archive: Buffer; customTime: string | undefined },
  ): Promise<BuildPlan["source"]["storageSource"]>;
  claimOf(paths: AttemptPaths): Promise<Claim | undefined>;
  /** Seals the attempt's claim unless somebody has it, and returns the claim that counts. */
  sealClaim(paths: AttemptPaths, cause: string): Promise<Claim>;
  /** Leaves sealed tokens at {@link AttemptPaths.tokens}, unless there are some. */
  putTokens(object: string, sealed: string): Promise<void>;
  /** Tells the build to stop. Repeating it does nothing. */
  markCancel(paths: AttemptPaths): Promise<void>;
  manifestOf(paths: AttemptPaths): Promise<Manifest | undefined>;
  /** Seals the attempt's manifest unless there is one, and returns the manifest that counts. */
  sealManifest(paths: AttemptPaths, cause: string): Promise<Manifest>;
  /**
   * What is wrong with a manifest's outputs, or undefined: all there, of their size, under its
   * prefix.
   */
  faultOf(manifest: BuildManifest, paths: AttemptPaths): Promise<string | undefined>;
  /** The newest of an attempt's checkpoints whose outputs are all there and of their size. */
  checkpointOf(paths: AttemptPaths): Promise<Checkpoint | undefined>;
  checkpointAt(paths: AttemptPaths, number: number): Promise<Checkpoint | undefined>;
  /**
   * Erases every object of a run's attempts, and the logs of the builds that had them. Repeating it
   * goes on with what is left.
   *
   * @param logsBucket `gs://BUCKET` or `gs://BUCKET/FOLDER`
   */
  deleteRun(runId: string, logsBucket: string): Promise<void>;
}

/** One generation of an object, whose content never changes. */
export interface StoredObject {
  bucket: string;
  name: string;
  generation: string;
  sizeBytes: number;
}

/** Objects, read piece by piece. */
export interface StoredObjects {
  /**
   * The object as it is now; undefined: there is none.
   *
   * @throws {AppError} unavailable, rate_limited
   */
  find(bucket: string, name: string): Promise<StoredObject | undefined>;
  /**
   * The bytes from `start` to `end`, both included and inside the object; none if `end` is before
   * `start`. Some downloads come back short without an error; this throws then.
   */
  read(object: StoredObject, range: { start: number; end: number }): AsyncGenerator<Buffer>;
}
