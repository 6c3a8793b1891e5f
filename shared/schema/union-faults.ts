import type { ErrorObject } from "ajv";

/**
 * The errors of a value without those of the branches of a union that it was hardly meant for: of
 * each `anyOf` that failed, only the branch stays that came closest. Where no branch takes even the
 * value's type, the union's own error stays alone.
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
  const tag = unknownTag([...branches.values()], union);
  if (tag !== undefined) {
    return errors.flatMap((error) => {
      if (error === union) return [tag];
      return branchOf(error, union) === undefined ? [error] : [];
    });
  }
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

/**
 * That a value's kind is missing or none that the union has, if its branches are told apart by a
 * constant under one name, and that is what fits in none of them.
 */
function unknownTag(branches: ErrorObject[][], union: ErrorObject): ErrorObject | undefined {
  const tags = branches.map((errors) => errors.find((error) => tagOf(error, union) !== undefined));
  const [first] = tags;
  const name = first && tagOf(first, union);
  if (first === undefined || name === undefined) return undefined;
  if (!tags.every((tag) => tag !== undefined && tagOf(tag, union) === name)) return undefined;
  const wanted = { enum: [...new Set(tags.flatMap((tag) => tag && constantsOf(tag, name)))] };
  return first.keyword === "required"
    ? { ...first, parentSchema: { properties: { [name]: wanted } } }
    : { ...first, keyword: "enum", parentSchema: wanted };
}

/**
 * The name of the constant directly in the union's value that an error is about: it is missing or
 * other.
 */
function tagOf(error: ErrorObject, union: ErrorObject): string | undefined {
  const { keyword, instancePath, params } = error;
  if (keyword === "required" && instancePath === union.instancePath) {
    const name = String(params["missingProperty"]);
    return constantsOf(error, name).length > 0 ? name : undefined;
  }
  if (keyword !== "const" && keyword !== "enum") return undefined;
  return /^\/([^/]+)$/.exec(instancePath.slice(union.instancePath.length))?.[1];
}

/** The values that an error's schema has for a constant. */
function constantsOf({ keyword, parentSchema = {} }: ErrorObject, name: string): unknown[] {
  const schema = keyword === "required" ? parentSchema["properties"]?.[name] : parentSchema;
  return schema?.enum ?? (schema && "const" in schema ? [schema.const] : []);
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

const WRONG_TYPE = 1_000_000_000;
const WRONG_KIND = 1_000_000;

/**
 * How far a value is from a branch: of another type, of another kind by a constant in it, with
 * names that are missing or strange, or only wrong inside.
 */
function distance(errors: readonly ErrorObject[], union: ErrorObject): number {
  const own = errors.filter((error) => error.instancePath === union.instancePath);
  const isOtherType = own.some(({ keyword }) => keyword === "type");
  const isOtherKind = errors.some(
    ({ keyword, ...error }) =>
      keyword !== "required" && tagOf({ keyword, ...error }, union) !== undefined,
  );
  const wrong = (isOtherType ? WRONG_TYPE : 0) + (isOtherKind ? WRONG_KIND : 0);
  return wrong + own.length * 1000 + errors.length;
}
