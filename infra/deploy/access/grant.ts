import type { AccountName, AGENTS, FunctionName, Names } from "../names.ts";
import type { ResolvedGrant } from "./policy.ts";
import { type Role, roleId } from "./roles.ts";

/** Who is given something: an account of ours, one of Google's own, or anybody at all. */
export type Principal = AccountName | keyof typeof AGENTS | "anybody";

/** What it is given on. */
export type Target =
  | { kind: "project" }
  | { kind: "topic" | "subscription"; topic: string }
  | { kind: "dataBucket" | "logsBucket" | "repository" }
  | { kind: "secret" | "sealSecret" | "appKey" | "hookKey" }
  | { kind: "account"; account: AccountName }
  | { kind: "service"; service: FunctionName };

/** A row of the table: who may what, on what, and why. */
export interface Grant {
  principal: Principal;
  role: Role;
  on: Target;
  why: string;
  /** Only objects whose names begin so. */
  objectPrefix?: string;
  /** Permissions of the role that calls need only when things cross, and what happens then. */
  rarely?: Readonly<Record<string, string>>;
  /**
   * Google itself needs it, or a service that has no stand-in, on this page; absent: calls of ours
   * need it, which are recorded.
   */
  googles?: string;
}

/** `submitBuild: runyard.builds on project` */
export const grantName = ({ principal, role, on }: Grant): string => {
  const { kind, ...which } = on;
  return [`${principal}: ${roleId(role)} on ${kind}`, ...Object.values(which)].join(" ");
};

/** The resource's name, as calls have it. */
export function targetName(on: Target, names: Names): string {
  switch (on.kind) {
    case "project":
      return `projects/${names.project}`;
    case "topic":
      return names.topic(on.topic);
    case "subscription":
      return names.subscription(on.topic);
    case "dataBucket":
    case "logsBucket":
      return `buckets/${names[on.kind]}`;
    case "secret":
      return names.secret;
    case "sealSecret":
      return names.sealSecret;
    case "appKey":
    case "hookKey":
      return names[on.kind];
    case "repository":
      return names.repositoryName;
    case "account":
      return names.accountName(on.account);
    case "service":
      return names.service(on.service);
  }
}

/** The grants by which calls are judged, under the names of one project. */
export const resolved = (grants: readonly Grant[], names: Names): ResolvedGrant[] =>
  grants.map((grant) => ({
    name: grantName(grant),
    account: grant.principal,
    permissions: grant.role.permissions,
    resource: targetName(grant.on, names),
    ...(grant.objectPrefix !== undefined && { objectPrefix: grant.objectPrefix }),
  }));
