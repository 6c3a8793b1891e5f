import type { Need } from "./needs.ts";

/** A role on a resource, with names filled in: what decides whether a call is allowed. */
export interface ResolvedGrant {
  name: string;
  account: string;
  permissions: readonly string[];
  /** The resource; whatever is below it is meant, too. */
  resource: string;
  /** Only objects whose names begin so. Default: all. */
  objectPrefix?: string;
}

/** The grant that gives an account what a call needs; undefined: none does. */
export function grantFor(
  grants: readonly ResolvedGrant[],
  account: string,
  need: Need,
): ResolvedGrant | undefined {
  return grants.find(
    (grant) =>
      grant.account === account &&
      grant.permissions.includes(need.permission) &&
      isWithin(need.resource, grant),
  );
}

function isWithin(resource: string, { resource: granted, objectPrefix }: ResolvedGrant): boolean {
  if (objectPrefix !== undefined) {
    return resource.startsWith(`${granted}/objects/${objectPrefix}`);
  }
  return resource === granted || resource.startsWith(`${granted}/`);
}
