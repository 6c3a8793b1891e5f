import { createHash, randomUUID } from "node:crypto";
import { GoogleError } from "../wire/status.ts";
import {
  type Build,
  durationMs,
  isTerminal,
  type RequestedBuild,
  timestampMs,
  toTimestamp,
} from "./build.ts";
import type { Engine } from "./engine.ts";
import { parseFilter } from "./filter.ts";
import { newBuild } from "./new-build.ts";
import type { Queue } from "./queue.ts";
import type { RequestQuota } from "./request-quota.ts";
import { type BuildRecord, changeStatus, findBuild, insertBuild, newestBuilds } from "./state.ts";

/** Everything that the API's methods work on. */
export interface CloudBuild {
  engine: Engine;
  queue: Queue;
  takeCreate: RequestQuota;
  takeGet: RequestQuota;
  /** The number of every project; without it each project has one made from its id. */
  projectNumber: string | undefined;
}

/** Names one build: by `name`, or by `projectId` and `id`, which finds builds of `global` only. */
export interface BuildReference {
  name?: string;
  projectId?: string;
  id?: string;
}

// Differs: how many builds Google puts on a page, by default and at most, is not documented.
const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 1000;

const GLOBAL = "global";
const BUILD_NAME = /^projects\/([^/]+)\/(?:locations\/([^/]+)\/)?builds\/([^/]+)$/;
const PARENT = /^projects\/([^/]+)\/locations\/([^/]+)$/;

/**
 * Creates a build: queued when this returns, and working soon after if there is a place.
 *
 * @throws {GoogleError} INVALID_ARGUMENT; RESOURCE_EXHAUSTED over the quota of creates.
 */
export function createBuild(
  service: CloudBuild,
  request: { parent?: string; projectId?: string; build?: RequestedBuild | null },
): Build {
  const { project, location } = placeOf(request);
  const projectNumber = projectNumberOf(service, project);
  service.takeCreate(projectNumber);
  if (!request.build) {
    throw new GoogleError("INVALID_ARGUMENT", "no build field was provided");
  }
  return enqueue(service, { projectId: project, projectNumber, location }, request.build);
}

/** @throws {GoogleError} NOT_FOUND; RESOURCE_EXHAUSTED over the quota of gets. */
export function getBuild(service: CloudBuild, request: BuildReference): Build {
  const { project } = referenceOf(request);
  service.takeGet(projectNumberOf(service, project));
  return findReferenced(service, request).build;
}

/**
 * Lists builds of one project and location, newest first.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for a filter or page token that cannot be read.
 */
export function listBuilds(
  service: CloudBuild,
  request: {
    parent?: string;
    projectId?: string;
    pageSize?: number;
    pageToken?: string;
    filter?: string;
  },
): { builds: Build[]; nextPageToken: string } {
  const place = placeOf(request);
  const isWanted = parseFilter(request.filter ?? "");
  const wantedSize = request.pageSize ?? 0;
  if (wantedSize < 0) throw new GoogleError("INVALID_ARGUMENT", "page_size must be >= 0");
  const pageSize = Math.min(wantedSize || DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE);
  const page: BuildRecord[] = [];
  for (const record of newestBuilds(
    service.engine.state,
    place,
    readPageToken(request.pageToken),
  )) {
    if (!isWanted(record.build)) continue;
    if (page.length === pageSize) {
      return { builds: buildsOf(page), nextPageToken: pageToken(page.at(-1)?.seq ?? 0) };
    }
    page.push(record);
  }
  return { builds: buildsOf(page), nextPageToken: "" };
}

/**
 * Cancels a build that is not over: CANCELLED at once; resolves when none of its processes is left.
 *
 * @throws {GoogleError} NOT_FOUND; FAILED_PRECONDITION if the build is over.
 */
export async function cancelBuild(service: CloudBuild, request: BuildReference): Promise<Build> {
  const { state } = service.engine;
  const { build } = findReferenced(service, request);
  const cancelled = changeStatus(state, build.id, {
    from: ["QUEUED", "WORKING"],
    patch: { status: "CANCELLED", finishTime: toTimestamp(state.clock.now()) },
  });
  if (cancelled === undefined) {
    const reason = `cannot cancel build "${build.id}" in state "${build.status}"`;
    throw new GoogleError("FAILED_PRECONDITION", reason);
  }
  await service.queue.stop(build.id);
  return cancelled;
}

/**
 * Creates a new build from the original request of another one, whatever became of that.
 *
 * @throws {GoogleError} NOT_FOUND
 */
export function retryBuild(service: CloudBuild, request: BuildReference): Build {
  const {
    projectId,
    projectNumber,
    location,
    request: original,
  } = findReferenced(service, request);
  return enqueue(service, { projectId, projectNumber, location }, original);
}

/**
 * The build behind `operations/build/PROJECT/BASE64_ID`.
 *
 * @throws {GoogleError} NOT_FOUND; RESOURCE_EXHAUSTED over the quota of gets.
 */
// Differs: on Google's global endpoint the operation of a regional build is NOT_FOUND; here there
// is one endpoint for all regions, which knows them all.
export function getOperation(service: CloudBuild, { name = "" }: { name?: string }): Build {
  const [, project = "", encodedId = ""] = /^operations\/build\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  service.takeGet(projectNumberOf(service, project));
  const record = findBuild(service.engine.state, Buffer.from(encodedId, "base64").toString());
  if (record === undefined || record.projectId !== project) {
    throw new GoogleError("NOT_FOUND", `operation "${name}" not found`);
  }
  return record.build;
}

/** The name of the operation that follows a build. */
export function operationName({ projectId, id }: Build): string {
  return `operations/build/${projectId}/${Buffer.from(id).toString("base64")}`;
}

/**
 * Google's `google.rpc.Status` of a build's operation: undefined while it runs and after a success.
 */
// Differs: the codes and texts of an operation's error are ours; Google's are not documented.
export function operationError(build: Build): { code: number; message: string } | undefined {
  if (!isTerminal(build.status) || build.status === "SUCCESS") return undefined;
  if (build.status === "CANCELLED") return { code: 1, message: "Build was cancelled" };
  if (build.status === "TIMEOUT") return { code: 4, message: "Build timed out" };
  return { code: 2, message: build.statusDetail ?? `Build ended with status ${build.status}` };
}

function enqueue(
  { engine, queue }: CloudBuild,
  place: { projectId: string; projectNumber: string; location: string },
  request: RequestedBuild,
): Build {
  const build = newBuild({ ...place, id: randomUUID() }, request, engine.state.clock.now());
  const expiresMs = timestampMs(build.createTime) + durationMs(build.queueTtl);
  insertBuild(engine.state, { ...place, build, request }, expiresMs);
  // Not before the caller has its answer: it says QUEUED.
  setImmediate(() => queue.fill());
  return build;
}

function buildsOf(page: readonly BuildRecord[]): Build[] {
  return page.map(({ build }) => build);
}

function placeOf({ parent = "", projectId = "" }: { parent?: string; projectId?: string }) {
  const [, parentProject = "", location = GLOBAL] = PARENT.exec(parent) ?? [];
  if (parent !== "" && parentProject === "") {
    const form = "projects/*/locations/*";
    throw new GoogleError("INVALID_ARGUMENT", `invalid parent "${parent}": must match ${form}`);
  }
  const project = projectId || parentProject;
  if (project === "") throw new GoogleError("INVALID_ARGUMENT", "project_id must be specified");
  return { project, location };
}

function referenceOf({ name = "", projectId = "", id = "" }: BuildReference) {
  if (name === "") return { project: projectId, location: GLOBAL, id };
  const [, project = "", location = GLOBAL, namedId = ""] = BUILD_NAME.exec(name) ?? [];
  if (namedId === "") {
    const form = "projects/*/locations/*/builds/*";
    throw new GoogleError("INVALID_ARGUMENT", `invalid name "${name}": must match ${form}`);
  }
  return { project, location, id: namedId };
}

function findReferenced(service: CloudBuild, request: BuildReference): BuildRecord {
  const { project, location, id } = referenceOf(request);
  const record = findBuild(service.engine.state, id);
  const isThere =
    record?.location === location &&
    (record.projectId === project || record.projectNumber === project);
  if (record === undefined || !isThere) {
    const place = `project "${project}" and location "${location}"`;
    throw new GoogleError("NOT_FOUND", `generic::not_found: build "${id}" not found in ${place}`);
  }
  return record;
}

/** Twelve digits made from the project's id: the same in every run. */
function projectNumberOf({ projectNumber }: CloudBuild, projectId: string): string {
  if (projectNumber !== undefined) return projectNumber;
  if (/^\d+$/.test(projectId)) return projectId;
  const digest = createHash("sha256").update(projectId).digest();
  return String(100_000_000_000 + (digest.readUIntBE(0, 6) % 900_000_000_000));
}

function pageToken(seq: number): string {
  return Buffer.from(`seq:${seq}`).toString("base64url");
}

/** The sequence number that the page lies below; a very large one for the first page. */
function readPageToken(token = ""): number {
  if (token === "") return Number.MAX_SAFE_INTEGER;
  const [, seq] = /^seq:(\d+)$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (seq === undefined) throw new GoogleError("INVALID_ARGUMENT", "invalid page token");
  return Number(seq);
}
