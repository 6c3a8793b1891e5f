import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { grpc } from "google-gax";
import type { BuildPlan, BuildSettings } from "../../shared/build-plan.ts";
import { type BuildView, parseBuildStatus } from "../../shared/build-view.ts";
import { TIMING } from "../../shared/limits.ts";
import type { BuildRef } from "../../shared/run-record.ts";
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
  readonly #client: CloudBuildClient;
  readonly #projectId: string;
  readonly #parent: string;

  /** @param emulatorHost `host:port` of a stand-in, reached without TLS. */
  constructor({ projectId, location }: BuildSettings, emulatorHost?: string) {
    this.#client = new CloudBuildClient({ projectId, ...endpoint(location, emulatorHost) });
    this.#projectId = projectId;
    this.#parent = `projects/${projectId}/locations/${location}`;
  }

  refOf(id: string): BuildRef {
    return { id, name: `${this.#parent}/builds/${id}` };
  }

  /** Sends one CreateBuild, never a second: it has no idempotency key. Does not throw for an answer. */
  async create(build: BuildPlan): Promise<Creation> {
    try {
      const request = { parent: this.#parent, projectId: this.#projectId, build };
      const options = { timeout: TIMING.createBuildDeadline * 1000 };
      const [operation] = await this.#client.createBuild(request, options);
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
    try {
      const [found] = await refusing("Cloud Build", () => this.#client.getBuild(request, options));
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
    try {
      await refusing("Cloud Build", () => this.#client.cancelBuild(request, options));
    } catch (error) {
      const code = codeOf(error);
      if (code !== GRPC.FAILED_PRECONDITION && code !== GRPC.NOT_FOUND) throw error;
    }
  }
}

/** Regional builds live behind the region's own endpoint. */
function endpoint(location: string, emulatorHost: string | undefined) {
  if (emulatorHost === undefined) {
    return location === "global" ? {} : { apiEndpoint: `${location}-cloudbuild.googleapis.com` };
  }
  const separator = emulatorHost.lastIndexOf(":");
  return {
    apiEndpoint: emulatorHost.slice(0, separator),
    port: Number(emulatorHost.slice(separator + 1)),
    sslCreds: grpc.credentials.createInsecure(),
  };
}
