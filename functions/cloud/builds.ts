import type { CloudBuildClient } from "@google-cloud/cloudbuild";
import type { BuildPlan, BuildSettings } from "../../shared/attempt/build-plan.ts";
import type { BuildRef } from "../../shared/attempt/build-view.ts";
import { type BuildView, parseBuildStatus } from "../../shared/attempt/build-view.ts";
import { TIMING } from "../../shared/limits.ts";
import { codeOf, GRPC, refusing } from "./google-error.ts";

/** What became of a CreateBuild. `unknown`: the build may exist, and only the claim can tell. */
export type Creation =
  | { kind: "created"; build: BuildRef }
  | { kind: "deferred"; message: string }
  | { kind: "rejected"; message: string }
  | { kind: "unknown"; message: string };

/** Answers that are certain to have created nothing and will be the same next time. */
const REJECTIONS: readonly number[] = [
  GRPC.INVALID_ARGUMENT,
  GRPC.NOT_FOUND,
  GRPC.PERMISSION_DENIED,
  GRPC.FAILED_PRECONDITION,
  GRPC.OUT_OF_RANGE,
  GRPC.UNIMPLEMENTED,
  GRPC.UNAUTHENTICATED,
];

const OVER_QUOTA = "Cloud Build takes no more builds at the moment";

/** Builds in Cloud Build, all in one project and region. */
export class Builds {
  readonly #open: () => Promise<CloudBuildClient>;
  readonly #projectId: string;
  readonly #parent: string;
  #opened: Promise<CloudBuildClient> | undefined;

  /** @param emulatorHost `host:port` of a stand-in, reached without TLS. */
  constructor({ projectId, location }: BuildSettings, emulatorHost?: string) {
    this.#open = () => openClient({ projectId, location, emulatorHost });
    this.#projectId = projectId;
    this.#parent = `projects/${projectId}/locations/${location}`;
  }

  /** Loads Google's client, which takes a while; the first call does otherwise. */
  async load(): Promise<void> {
    await this.#client();
  }

  #client(): Promise<CloudBuildClient> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  refOf(id: string): BuildRef {
    return { id, name: `${this.#parent}/builds/${id}` };
  }

  /** Sends one CreateBuild, never a second: it has no idempotency key. Does not throw for an answer. */
  async create(build: BuildPlan): Promise<Creation> {
    const client = await this.#client();
    try {
      const request = { parent: this.#parent, projectId: this.#projectId, build };
      const options = { timeout: TIMING.createBuildDeadline * 1000 };
      const [operation] = await client.createBuild(request, options);
      const id = (operation.metadata as { build?: { id?: string } } | null)?.build?.id;
      if (!id) return { kind: "unknown", message: "CreateBuild gave no build id" };
      return { kind: "created", build: this.refOf(id) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const code = codeOf(error) ?? GRPC.UNKNOWN;
      if (code === GRPC.RESOURCE_EXHAUSTED) return { kind: "deferred", message: OVER_QUOTA };
      return { kind: REJECTIONS.includes(code) ? "rejected" : "unknown", message };
    }
  }

  /** The build as Cloud Build has it now; undefined if it has none of that id. */
  async get(build: BuildRef): Promise<BuildView | undefined> {
    const request = { name: build.name, projectId: this.#projectId, id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#client();
    try {
      const [found] = await refusing("Cloud Build", () => client.getBuild(request, options));
      return {
        ref: build,
        status: parseBuildStatus(found.status),
        failure: found.failureInfo?.detail ?? found.statusDetail ?? "",
      };
    } catch (error) {
      if (codeOf(error) === GRPC.NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Cancels a build. One that is over, or unknown, is left as it is. */
  async cancel(build: BuildRef): Promise<void> {
    const request = { name: build.name, projectId: this.#projectId, id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#client();
    try {
      await refusing("Cloud Build", () => client.cancelBuild(request, options));
    } catch (error) {
      const code = codeOf(error);
      if (code !== GRPC.FAILED_PRECONDITION && code !== GRPC.NOT_FOUND) throw error;
    }
  }
}

async function openClient({
  projectId,
  location,
  emulatorHost,
}: {
  projectId: string;
  location: string;
  emulatorHost: string | undefined;
}): Promise<CloudBuildClient> {
  const { CloudBuildClient } = await import("@google-cloud/cloudbuild");
  if (emulatorHost === undefined) {
    // Regional builds live behind the region's own endpoint.
    const apiEndpoint = `${location}-cloudbuild.googleapis.com`;
    return new CloudBuildClient({ projectId, ...(location !== "global" && { apiEndpoint }) });
  }
  const { grpc } = await import("google-gax");
  const separator = emulatorHost.lastIndexOf(":");
  return new CloudBuildClient({
    projectId,
    apiEndpoint: emulatorHost.slice(0, separator),
    port: Number(emulatorHost.slice(separator + 1)),
    sslCreds: grpc.credentials.createInsecure(),
  });
}
