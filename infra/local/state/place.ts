import { resolve } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { type Bucket, Storage } from "@google-cloud/storage";
import { unreachable, usageFault } from "../../../cli/failure.ts";
import { runningServer } from "../../../cli/local-server.ts";
import { DEFAULT_STATE, typed } from "../../../cli/typed.ts";
import { dataBucketOf } from "../../deploy/names.ts";
import { LOCAL } from "../names.ts";

/** Whose documents a command is about: those of a local server, or of a project. */
export type Place = { directory: string } | { projectId: string };

/**
 * What the options of a command say.
 *
 * @throws {Failure} that names what is wrong
 */
export function placeOf({
  state,
  project,
}: {
  state?: string | undefined;
  project?: string | undefined;
}): Place {
  if (project === undefined) return { directory: state || DEFAULT_STATE };
  if (state !== undefined) throw usageFault("--state and --project: say one of them");
  if (project === "") throw usageFault("--project needs the id of a project");
  return { projectId: project };
}

/**
 * Opens the Firestore of a place.
 *
 * @throws {Failure} if no server runs on the state directory
 */
export function openPlace(place: Place): { firestore: Firestore; projectId: string } {
  if ("projectId" in place) return { firestore: new Firestore(place), projectId: place.projectId };
  const { projectId, host } = serverOf(place, "FIRESTORE_EMULATOR_HOST");
  return { firestore: new Firestore({ projectId, host, ssl: false }), projectId };
}

/**
 * Opens the bucket of a place, of a project as a deployment names it.
 *
 * @throws {Failure} if no server runs on the state directory
 */
export function openBucket(place: Place): Bucket {
  if ("projectId" in place) return new Storage(place).bucket(dataBucketOf(place.projectId));
  const { projectId, host } = serverOf(place, "STORAGE_EMULATOR_HOST");
  return new Storage({ projectId, apiEndpoint: host }).bucket(LOCAL.bucket);
}

function serverOf(
  place: { directory: string },
  variable: "FIRESTORE_EMULATOR_HOST" | "STORAGE_EMULATOR_HOST",
): { projectId: string; host: string } {
  // Google's clients would otherwise look for a metadata server and wait for it.
  process.env["METADATA_SERVER_DETECTION"] = "none";
  const directory = resolve(place.directory);
  const server = runningServer(directory);
  const host = server?.clients[variable];
  if (server === undefined || host === undefined) {
    const start = typed(["start"], { state: place.directory });
    throw unreachable(`No server runs on ${directory}. Start one with: ${start}`);
  }
  return { projectId: server.projectId, host };
}
