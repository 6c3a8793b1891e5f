import type { ErrorObject } from "ajv";

/**
 * The errors of a value without those of the branches of a union that it was hardly meant for: of each
 * `anyOf` that failed, only the branch stays that came closest. Where no branch takes even the value's
 * type, the union's own error stays alone.
 */
export function closestErrors(errors: readonly ErrorObject[]): ErrorObject[] {
  // The outermost first, since dropping a branch drops the unions in it.
  const unions = errors.filter(({ keyword }) => keyword === "anyOf").reverse();
  return unions.reduce((left, union) => withoutOtherBranches(left, union), [...errors]);
}

function withoutOtherBranches(errors: ErrorObject[], union: ErrorObject): ErrorObject[] {
  if (!errors.includes(union)) return errors;
  const branches = Map.groupBy(errors, (error) => branchOf(error, union));
  branches.delete(undefined);
  const ranked = [...branches].toSorted(
    ([, left], [, right]) => distance(left, union) - distance(right, union),
  );
  const [closest] = ranked;
  const kept = closest && distance(closest[1], union) < WRONG_TYPE ? closest[0] : undefined;
  return errors.filter((error) => {
    if (error === union) return kept === undefined;
    const branch = branchOf(error, union);
    return branch === undefined || branch === kept;
  });
}

/** The number of the union's branch that an error is in. */
function branchOf(error: ErrorObject, union: ErrorObject): string | undefined {
  const prefix = `${union.schemaPath}/`;
  if (!isWithin(error.instancePath, union.instancePath)) return undefined;
  return error.schemaPath.startsWith(prefix)
    ? error.schemaPath.slice(prefix.length).split("/", 1)[0]
    : undefined;
}

const isWithin = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(`${parent}/`);

const WRONG_TYPE = 1_000_000;

/** How far a value is from a branch: of another type, with names that are missing or strange, or only wrong inside. */
function distance(errors: readonly ErrorObject[], { instancePath }: ErrorObject): number {
  const own = errors.filter((error) => error.instancePath === instancePath);
  const isOtherType = own.some(({ keyword }) => keyword === "type");
  return (isOtherType ? WRONG_TYPE : 0) + own.length * 1000 + errors.length;
}
