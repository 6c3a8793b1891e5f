import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../wire/clock.ts";
import { inTransaction, openDatabase } from "../wire/database.ts";
import type { Build, BuildStatus, RequestedBuild } from "./build.ts";
import { buildToJson } from "./proto-json.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS builds (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL,
    project_number TEXT NOT NULL,
    location TEXT NOT NULL,
    status TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    build TEXT NOT NULL,
    request TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS builds_by_location ON builds (location, seq);
  CREATE INDEX IF NOT EXISTS builds_by_status ON builds (status, seq);
  CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL,
    data TEXT NOT NULL,
    attributes TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS processes (
    build_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at TEXT NOT NULL
  );
`;

/**
 * What the service remembers: SQLite only, so a build's row is the truth about it at each moment.
 */
export interface State {
  database: DatabaseSync;
  clock: Clock;
  /** Called after each commit that left a message in the outbox. */
  onMessage: () => void;
}

/** A build at rest, with what the service knows besides. */
export interface BuildRecord {
  seq: number;
  projectId: string;
  projectNumber: string;
  location: string;
  build: Build;
  /** What the client asked for, before defaults and substitution. */
  request: RequestedBuild;
}

/** A message that has not been published yet. */
export interface OutboxMessage {
  seq: number;
  projectId: string;
  data: Buffer;
  attributes: Record<string, string>;
}

/** Opens, or creates, the state in `directory`. */
export function openState(directory: string, clock: Clock): State {
  return { database: openDatabase(directory, "cloud-build", SCHEMA), clock, onMessage: () => {} };
}

/** Stores a new build together with the message that announces it. */
export function insertBuild(
  state: State,
  record: Omit<BuildRecord, "seq">,
  expiresMs: number,
): void {
  const { build, projectId, projectNumber, location, request } = record;
  inTransaction(state.database, () => {
    state.database
      .prepare(
        `INSERT INTO builds (id, project_id, project_number, location, status, expires_ms, build, request)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        build.id,
        projectId,
        projectNumber,
        location,
        build.status,
        expiresMs,
        JSON.stringify(build),
        JSON.stringify(request),
      );
    leaveMessage(state, build);
  });
  state.onMessage();
}

/**
 * Moves a build to another status and leaves the message about it, in one commit; `undefined` and
 * no effect if the build is in none of `from` any more.
 */
export function changeStatus(
  state: State,
  id: string,
  change: { from: readonly BuildStatus[]; patch: Partial<Build> & { status: BuildStatus } },
): Build | undefined {
  const changed = inTransaction(state.database, () => {
    const current = findBuild(state, id)?.build;
    if (current === undefined || !change.from.includes(current.status)) return undefined;
    const build = { ...current, ...change.patch };
    writeBuild(state, build);
    leaveMessage(state, build);
    return build;
  });
  if (changed !== undefined) state.onMessage();
  return changed;
}

/**
 * Adds to a build that is over what was learnt afterwards; its status stays, and no message goes
 * out.
 */
export function addDetails(
  state: State,
  id: string,
  details: Omit<Partial<Build>, "status">,
): void {
  inTransaction(state.database, () => {
    const current = findBuild(state, id)?.build;
    if (current !== undefined) writeBuild(state, { ...current, ...details });
  });
}

/** The build with this id, in whatever project. */
export function findBuild(state: State, id: string): BuildRecord | undefined {
  const row = state.database.prepare("SELECT * FROM builds WHERE id = ?").get(id);
  return row && toRecord(row);
}

/**
 * The builds of one project (by id or number) and location below `beforeSeq`, newest first, one by
 * one.
 */
export function* newestBuilds(
  state: State,
  place: { project: string; location: string },
  beforeSeq: number,
): Generator<BuildRecord> {
  const statement = state.database.prepare(
    `SELECT * FROM builds WHERE location = ? AND seq < ? AND (project_id = ? OR project_number = ?)
     ORDER BY seq DESC`,
  );
  for (const row of statement.iterate(place.location, beforeSeq, place.project, place.project)) {
    yield toRecord(row);
  }
}

/** All builds in `status`, oldest first. */
export function buildsIn(state: State, status: BuildStatus): Build[] {
  return state.database
    .prepare("SELECT build FROM builds WHERE status = ? ORDER BY seq")
    .all(status)
    .map((row) => JSON.parse(String(row["build"])));
}

/** The build that has waited longest, if any waits. */
export function oldestQueued(state: State): Build | undefined {
  const row = state.database
    .prepare("SELECT build FROM builds WHERE status = 'QUEUED' ORDER BY seq LIMIT 1")
    .get();
  return row && JSON.parse(String(row["build"]));
}

/** Which queued build runs out of its queueTtl first, and when (milliseconds since the epoch). */
export function firstToExpire(state: State): { id: string; atMs: number } | undefined {
  const row = state.database
    .prepare(
      "SELECT id, expires_ms FROM builds WHERE status = 'QUEUED' ORDER BY expires_ms, seq LIMIT 1",
    )
    .get();
  return row && { id: String(row["id"]), atMs: Number(row["expires_ms"]) };
}

/** The oldest message that is still to be published. */
export function firstMessage(state: State): OutboxMessage | undefined {
  const row = state.database.prepare("SELECT * FROM outbox ORDER BY seq LIMIT 1").get();
  return (
    row && {
      seq: Number(row["seq"]),
      projectId: String(row["project_id"]),
      data: Buffer.from(String(row["data"])),
      attributes: JSON.parse(String(row["attributes"])),
    }
  );
}

/** Forgets a message: it was published. */
export function removeMessage(state: State, seq: number): void {
  state.database.prepare("DELETE FROM outbox WHERE seq = ?").run(seq);
}

function writeBuild({ database }: State, build: Build): void {
  database
    .prepare("UPDATE builds SET status = ?, build = ? WHERE id = ?")
    .run(build.status, JSON.stringify(build), build.id);
}

function leaveMessage({ database }: State, build: Build): void {
  const attributes = { buildId: build.id, status: build.status };
  database
    .prepare("INSERT INTO outbox (project_id, data, attributes) VALUES (?, ?, ?)")
    .run(build.projectId, buildToJson(build), JSON.stringify(attributes));
}

function toRecord(row: Record<string, unknown>): BuildRecord {
  return {
    seq: Number(row["seq"]),
    projectId: String(row["project_id"]),
    projectNumber: String(row["project_number"]),
    location: String(row["location"]),
    build: JSON.parse(String(row["build"])),
    request: JSON.parse(String(row["request"])),
  };
}
