/**
 * Rows of the operator's table of who may bind to events that belong to the project and not to an
 * owner. `*` stands for every source, type or owner; a subject for how it begins.
 */
export interface EventGrant {
  source: string;
  type: string;
  /** Default: every subject. */
  subject?: string;
  owners: readonly string[];
}

/**
 * Whether an owner may have such events: asked of a trigger when it is written, where what it
 * leaves open has to be granted whole, and of an event when it fires.
 */
export function isGranted(
  grants: readonly EventGrant[],
  owner: string,
  { type, source, subject = "" }: { type: string; source?: string; subject?: string | undefined },
): boolean {
  return grants.some(
    (grant) =>
      (grant.owners.includes("*") || grant.owners.includes(owner)) &&
      (grant.type === "*" || grant.type === type) &&
      (grant.source === "*" || grant.source === source) &&
      subject.startsWith(grant.subject ?? ""),
  );
}
