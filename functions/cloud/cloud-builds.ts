import type { CloudBuildClient } from "@google-cloud/cloudbuild";
import {
  attemptOfTags,
  type BuildPlan,
  type BuildSettings,
  PRODUCT_TAG,
} from "../../shared/attempt/build-plan.ts";
import {
  type BuildRef,
  type BuildView,
  buildRef,
  parseBuildStatus,
} from "../../shared/attempt/build-view.ts";
import type { Clock } from "../../shared/clock.ts";
import { TIMING } from "../../shared/limits.ts";
import type { Builds, Creation, LiveBuild } from "../services/builds.ts";
import { type Calling, calling, codeOf, GRPC } from "./google-error.ts";

/**
 * Answers that are certain to have created nothing: for now, for want of a permission that may come
 * yet, or for good.
 */
const KIND_OF: Partial<Record<number, "denied" | "rejected">> = {
  [GRPC.PERMISSION_DENIED]: "denied",
  [GRPC.INVALID_ARGUMENT]: "rejected",
  [GRPC.NOT_FOUND]: "rejected",
  [GRPC.FAILED_PRECONDITION]: "rejected",
  [GRPC.OUT_OF_RANGE]: "rejected",
  [GRPC.UNIMPLEMENTED]: "rejected",
  [GRPC.UNAUTHENTICATED]: "rejected",
};

const OVER_QUOTA = "Cloud Build takes no more builds at the moment";

/**
 * @see https://cloud.google.com/build/docs/view-build-results#filtering_build_results_using_queries
 */
const LIVE = `tags="${PRODUCT_TAG}" AND (status="PENDING" OR status="QUEUED" OR status="WORKING")`;

/** The location in the name of a build, or of what builds are in. */
const LOCATION = /^projects\/[^/]+\/locations\/([^/]+)/;

/** Builds in Cloud Build, reached by Google's client. */
export class CloudBuilds implements Builds {
  readonly #clientOf: ClientOf;
  readonly #call: Calling;
  readonly #projectId: string;
  readonly #location: string;

  /**
   * @param clientOf Google's client for a location, which takes a while to load; called at every
   * use
   */
  constructor(
    { projectId, location }: Pick<BuildSettings, "projectId" | "location">,
    clientOf: ClientOf,
    timers: Pick<Clock, "after">,
  ) {
    this.#clientOf = clientOf;
    this.#call = calling("Cloud Build", timers);
    this.#projectId = projectId;
    this.#location = location;
  }

  async load(): Promise<void> {
    await this.#clientOf(this.#location);
  }

  get parent(): string {
    return `projects/${this.#projectId}/locations/${this.#location}`;
  }

  async create(build: BuildPlan, parent: string): Promise<Creation> {
    const client = await this.#clientFor(parent);
    try {
      const request = { parent, projectId: projectOf(parent), build };
      const options = { timeout: TIMING.createBuildDeadline * 1000 };
      const [operation] = await client.createBuild(request, options);
      const id = (operation.metadata as { build?: { id?: string } } | null)?.build?.id;
      if (!id) return { kind: "unknown", message: "CreateBuild gave no build id" };
      return { kind: "created", build: buildRef(parent, id) };
    } catch (error) {
      const code = codeOf(error) ?? GRPC.UNKNOWN;
      if (code === GRPC.RESOURCE_EXHAUSTED) return { kind: "deferred", message: OVER_QUOTA };
      const message = error instanceof Error ? error.message : String(error);
      return { kind: KIND_OF[code] ?? "unknown", message };
    }
  }

  async listLive(parent: string): Promise<LiveBuild[]> {
    const client = await this.#clientFor(parent);
    const request = { parent, projectId: projectOf(parent), filter: LIVE };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const [builds] = await this.#call(() => client.listBuilds(request, options));
    return builds.flatMap(({ id, tags }) => {
      const attempt = attemptOfTags(tags ?? []);
      return id && attempt ? [{ ref: buildRef(parent, id), ...attempt }] : [];
    });
  }

  #clientFor(name: string): Promise<CloudBuildClient> {
    return this.#clientOf(LOCATION.exec(name)?.[1] ?? this.#location);
  }

  async get(build: BuildRef): Promise<BuildView | undefined> {
    const request = { name: build.name, projectId: projectOf(build.name), id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#clientFor(build.name);
    try {
      const [found] = await this.#call(() => client.getBuild(request, options));
      return {
        ref: build,
        status: parseBuildStatus(found.status),
        startedAt: instantOf(found.startTime),
        input: uriOf(found.source?.storageSource ?? {}),
        failure: found.failureInfo?.detail ?? found.statusDetail ?? "",
      };
    } catch (error) {
      if (codeOf(error) === GRPC.NOT_FOUND) return undefined;
      throw error;
    }
  }

  async cancel(build: BuildRef): Promise<void> {
    const request = { name: build.name, projectId: projectOf(build.name), id: build.id };
    const options = { timeout: TIMING.createBuildDeadline * 1000 };
    const client = await this.#clientFor(build.name);
    try {
      await this.#call(() => client.cancelBuild(request, options));
    } catch (error) {
      const code = codeOf(error);
      if (code !== GRPC.FAILED_PRECONDITION && code !== GRPC.NOT_FOUND) throw error;
    }
  }
}

/** Google's client for builds of a location. */
export type ClientOf = (location: string) => Promise<CloudBuildClient>;

/**
 * Opens Google's client of a location at its first use and keeps it.
 *
 * @param emulatorHost `host:port` of a stand-in, reached without TLS
 */
export function lazyBuildClients(
  { projectId }: Pick<BuildSettings, "projectId">,
  emulatorHost?: string,
): ClientOf {
  const opened = new Map<string, Promise<CloudBuildClient>>();
  return (location) => {
    const known = opened.get(location) ?? openClient({ projectId, location, emulatorHost });
    opened.set(location, known);
    return known;
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

const uriOf = ({ bucket, object }: { bucket?: string | null; object?: string | null }): string =>
  bucket && object ? `gs://${bucket}/${object}` : "";

/** Of a `google.protobuf.Timestamp`; null: there is none. */
function instantOf(
  time: { seconds?: number | string | Long | null; nanos?: number | null } | null | undefined,
): Date | null {
  return time ? new Date(Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6) : null;
}

/** The project in a resource's name. */
const projectOf = (name: string): string => name.split("/")[1] ?? "";
