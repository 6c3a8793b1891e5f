import { grantsOf } from "../../infra/deploy/access/given.ts";
import { type Grant, targetName } from "../../infra/deploy/access/grant.ts";
import { roleId } from "../../infra/deploy/access/roles.ts";
import { namesOf } from "../../infra/deploy/names.ts";
import type { Resource } from "../../infra/deploy/resource.ts";
import { RETRY_LIMITS, TIMING } from "../../shared/limits.ts";
import { TOPICS } from "../../shared/names.ts";
import { DEPLOYED } from "./deployment.ts";

/** A resource as whoever makes it was told. */
export type Made = Pick<Resource, "name" | "type"> & { args: Record<string, unknown> };

const names = namesOf(DEPLOYED);

/**
 * What is wrong with a graph of resources, in the order of the rules; nothing: it is what the
 * tables say.
 */
export const faultsOf = (graph: readonly Made[]): string[] => [
  ...grantFaults(graph),
  ...graph.filter(({ type }) => type === "pubsub.Subscription").flatMap(subscriptionFaults),
  ...graph.filter(({ type }) => type === "storage.Bucket").flatMap(bucketFaults),
  ...graph.filter(({ type }) => type === "cloudrunv2.Service").flatMap(serviceFaults),
];

/** The grants of the graph against the rows of the table, each by who, which role, and what on. */
function grantFaults(graph: readonly Made[]): string[] {
  const made = graph.filter(({ type }) => /I(AM|am)(Member|Binding|Policy)$/.test(type)).map(given);
  const rows = grantsOf(DEPLOYED).map(row);
  return [
    ...made.filter((text) => !rows.includes(text)).map((text) => `no row of the table: ${text}`),
    ...rows.filter((text) => !made.includes(text)).map((text) => `not made: ${text}`),
  ];
}

const ANYBODY = ["allUsers"];

function row(grant: Grant): string {
  const { principal, role, on, objectPrefix } = grant;
  const member =
    principal === "anybody"
      ? ANYBODY[0]
      : `serviceAccount:${principal.endsWith("Agent") ? names.agentEmail(principal as "pubsubAgent") : names.emailOf(principal as "api")}`;
  const id = "own" in role ? `projects/${DEPLOYED.project}/roles/${role.own}` : roleId(role);
  return [member, id, targetName(on, names), ...(objectPrefix ? [objectPrefix] : [])].join(" ");
}

function given({ args }: Made): string {
  const text = (key: string) => args[key] as string | undefined;
  const { project, region, buildRegion } = DEPLOYED;
  const on =
    (text("topic") && names.topic(text("topic") ?? "")) ??
    (text("subscription") && names.subscription(text("subscription") ?? "")) ??
    (text("bucket") && `buckets/${text("bucket")}`) ??
    (text("secretId") && `projects/${project}/secrets/${text("secretId")}`) ??
    (text("repository") &&
      `projects/${project}/locations/${buildRegion}/repositories/${text("repository")}`) ??
    text("serviceAccountId") ??
    (text("name") && `projects/${project}/locations/${region}/services/${text("name")}`) ??
    `projects/${text("project")}`;
  const { expression } = (args["condition"] ?? {}) as { expression?: string };
  const [, prefix] = /\/objects\/(.*)"\)$/.exec(expression ?? "") ?? [];
  return [text("member"), text("role"), on, ...(prefix ? [prefix] : [])].join(" ");
}

interface SubscriptionArgs {
  ackDeadlineSeconds?: number;
  expirationPolicy?: { ttl: string };
  retryPolicy?: { minimumBackoff: string; maximumBackoff: string };
  deadLetterPolicy?: { deadLetterTopic: string; maxDeliveryAttempts: number };
  pushConfig?: { oidcToken?: { serviceAccountEmail: string; audience: string } };
  topic?: string;
}

function subscriptionFaults({ name, args }: Made): string[] {
  const { ackDeadlineSeconds, expirationPolicy, retryPolicy, deadLetterPolicy, pushConfig, topic } =
    args as SubscriptionArgs;
  const backoff = [`${TIMING.minRedelivery}s`, `${TIMING.maxRedelivery}s`].join();
  const dead = [names.topic(TOPICS.deadLetters), RETRY_LIMITS.maxDeliveryAttempts].join();
  const isDead = topic === TOPICS.deadLetters;
  return [
    ...(ackDeadlineSeconds === TIMING.ackDeadline ? [] : [`${name}: its deadline`]),
    ...(expirationPolicy?.ttl === "" ? [] : [`${name}: it expires`]),
    ...(Object.values(retryPolicy ?? {})
      .sort()
      .join() === backoff.split(",").sort().join()
      ? []
      : [`${name}: its backoff`]),
    ...(isDead || Object.values(deadLetterPolicy ?? {}).join() === dead
      ? []
      : [`${name}: its dead letters`]),
    ...(pushConfig?.oidcToken?.serviceAccountEmail === names.emailOf("push")
      ? []
      : [`${name}: its token`]),
  ];
}

function bucketFaults({ name, args }: Made): string[] {
  const isClosed =
    args["publicAccessPrevention"] === "enforced" && args["uniformBucketLevelAccess"] === true;
  return isClosed ? [] : [`${name}: it may be made public`];
}

function serviceFaults({ name, args }: Made): string[] {
  const { timeout } = args["template"] as { timeout: string };
  const seconds = Number(timeout.replace("s", ""));
  const isPublic = ["service-api", "service-receiveHook"].includes(name);
  const isPushed = !isPublic && name !== "service-sweep";
  return [
    ...(isPublic || args["ingress"] === "INGRESS_TRAFFIC_INTERNAL_ONLY"
      ? []
      : [`${name}: anybody reaches it`]),
    ...(!isPushed || (seconds > TIMING.handlerBudget && seconds < TIMING.ackDeadline)
      ? []
      : [`${name}: its timeout`]),
  ];
}
