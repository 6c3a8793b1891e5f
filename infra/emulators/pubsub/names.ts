import { GoogleError } from "../wire/status.ts";

const PROJECT = /^projects\/([^/]+)$/;
const RESOURCE =
  /^projects\/(?<project>[^/]+)\/(?<collection>topics|subscriptions)\/(?<id>(?!goog)[A-Za-z][\w.~+%-]{2,254})$/;

/** What a subscription gives as its topic once that topic is deleted. */
export const DELETED_TOPIC = "_deleted-topic_";

/** The parts of `projects/P/topics/T` or `projects/P/subscriptions/S`. */
export interface ResourceName {
  project: string;
  id: string;
}

/**
 * Takes a resource name apart.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it breaks the rules for names.
 * @see https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
 */
export function parseName(
  collection: "topics" | "subscriptions",
  name: string | undefined,
): ResourceName {
  const groups = RESOURCE.exec(name ?? "")?.groups;
  if (groups === undefined || groups["collection"] !== collection) throw invalidName(name);
  return { project: groups["project"] ?? "", id: groups["id"] ?? "" };
}

/** Checks a `projects/P`. Throws INVALID_ARGUMENT. */
export function checkProject(name: string | undefined): string {
  if (name === undefined || !PROJECT.test(name)) throw invalidName(name);
  return name;
}

export function notFound(name: string): GoogleError {
  return new GoogleError("NOT_FOUND", `Resource not found (resource=${shortName(name)}).`);
}

export function alreadyExists(name: string): GoogleError {
  const message = `Resource already exists in the project (resource=${shortName(name)}).`;
  return new GoogleError("ALREADY_EXISTS", message);
}

/** The last part of a resource's name. */
function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function invalidName(name: string | undefined): GoogleError {
  return new GoogleError(
    "INVALID_ARGUMENT",
    `Invalid resource name given (name=${name ?? ""}). Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.`,
  );
}
