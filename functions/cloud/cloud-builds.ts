import type { CloudBuildClient } from "@google-cloud/cloudbuild";
import {
  attemptOfTags,
  type BuildPlan,
  type BuildSettings,
} from "../../shared/attempt/build-plan.ts";
import type { BuildRef } from "../../shared/attempt/build-view.ts";
import { type BuildView, parseBuildStatus } from "../../shared/attempt/build-view.ts";
import type { Clock } from "../../shared/clock.ts";
import { TIMING } from "../../shared/limits.ts";
import type { Builds, Creation } from "../services/builds.ts";
import { type Calling, calling, codeOf, GRPC } from "./google-error.ts";

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

/** Builds in Cloud Build, reached by Google's client. */
export class CloudBuilds implements Builds {
  readonly #client: () => Promise<CloudBuildClient>;
  readonly #call: Calling;
  readonly #projectId: string;
  readonly #parent: string;

  /** @param client opens Google's client, which takes a while to load; called at every use */
  constructor(
    { projectId, location }: Pick<BuildSettings, "projectId" | "location">,
    client: () => Promise<CloudBuildClient>,
    timers: Pick<Clock, "after">,
  ) {
    this.#client = client;
    this.#call = calling("Cloud Build", timers);
    this.#projectId = projectId;
    this.#parent = `projects/${projectId}/locations/${location}`;
  }

  async load(): Promise<void> {
    await this.#client();
  }

  refOf(id: string): BuildRef {
    return { id, name: `${this.#parent}/builds/${id}` };
  }

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

  async get(build: BuildRef): Promise<BuildView | undefined> {
    const request = { name: build.name, projectId: this.#projectId, id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#client();
    try {
      const [found] = await this.#call(() => client.getBuild(request, options));
      return {
        ref: build,
        status: parseBuildStatus(found.status),
        runId: attemptOfTags(found.tags ?? [])?.runId,
        failure: found.failureInfo?.detail ?? found.statusDetail ?? "",
      };
    } catch (error) {
      if (codeOf(error) === GRPC.NOT_FOUND) return undefined;
      throw error;
    }
  }

  async cancel(build: BuildRef): Promise<void> {
    const request = { name: build.name, projectId: this.#projectId, id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#client();
    try {
      await this.#call(() => client.cancelBuild(request, options));
    } catch (error) {
      const code = codeOf(error);
      if (code !== GRPC.FAILED_PRECONDITION && code !== GRPC.NOT_FOUND) throw error;
    }
  }
}

/**
 * Opens Google's client at the first use and keeps it.
 *
 * @param emulatorHost `host:port` of a stand-in, reached without TLS
 */
export function lazyBuildClient(
  { projectId, location }: Pick<BuildSettings, "projectId" | "location">,
  emulatorHost?: string,
): () => Promise<CloudBuildClient> {
  let opened: Promise<CloudBuildClient> | undefined;
  return () => {
    opened ??= openClient({ projectId, location, emulatorHost });
    return opened;
  };
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
