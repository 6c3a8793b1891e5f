/** A namespace, message, service or enum as protobuf.js has it in JSON. */
interface Proto {
  nested?: Record<string, Proto>;
  fields?: Record<string, { type: string }>;
  methods?: Record<string, Method>;
  values?: Record<string, number>;
  /** Of an extension of another message. */
  extend?: string;
}

interface Method {
  requestType: string;
  responseType: string;
  options?: Record<string, unknown>;
}

/** What a long-running operation ends with, and what it tells meanwhile. */
const OPERATION = /^\(google\.longrunning\.operation_info\)/;

/**
 * A client's messages and services in the JSON of protobuf.js, without what cannot be reached from
 * one service. Extensions go too: they describe, and no message on the wire has them.
 *
 * @param service its full name, such as `google.pubsub.v1.Publisher`
 * @throws {Error} if there is no such service
 */
export function prunedProtos(root: Proto, service: string): Proto {
  const kept = reachable(root, service.split("."));
  if (kept.size === 0) throw new Error(`there is no ${service}`);
  return pruned(root, [], kept);
}

function reachable(root: Proto, service: readonly string[]): Set<string> {
  const kept = new Set<string>();
  const open = protoAt(root, service) ? [service] : [];
  for (const path of open) {
    const proto = protoAt(root, path);
    if (kept.has(path.join(".")) || proto === undefined) continue;
    kept.add(path.join("."));
    for (const name of referencesOf(proto)) {
      const found = resolved(root, name, path);
      if (found !== undefined) open.push(found);
    }
  }
  return kept;
}

function referencesOf({ fields = {}, methods = {} }: Proto): string[] {
  const ofMethods = Object.values(methods).flatMap(
    ({ requestType, responseType, options = {} }) => [
      requestType,
      responseType,
      ...Object.entries(options).flatMap(([name, value]) =>
        OPERATION.test(name) && typeof value === "string" ? [value] : [],
      ),
    ],
  );
  return [...Object.values(fields).map(({ type }) => type), ...ofMethods];
}

/** A name is looked for in the place that says it, then further out, as protobuf does. */
function resolved(root: Proto, name: string, place: readonly string[]): string[] | undefined {
  const parts = name.replace(/^\./, "").split(".");
  for (let depth = place.length; depth >= 0; depth -= 1) {
    const path = [...place.slice(0, depth), ...parts];
    if (protoAt(root, path)) return path;
  }
  return undefined;
}

function protoAt(root: Proto, path: readonly string[]): Proto | undefined {
  let proto: Proto | undefined = root;
  for (const name of path) proto = proto?.nested?.[name];
  return proto;
}

function pruned(proto: Proto, path: readonly string[], kept: ReadonlySet<string>): Proto {
  if (proto.nested === undefined) return proto;
  const nested = Object.entries(proto.nested).flatMap(([name, inner]): [string, Proto][] => {
    if (inner.extend !== undefined) return [];
    const innerPath = [...path, name];
    const rest = pruned(inner, innerPath, kept);
    const isWanted = kept.has(innerPath.join(".")) || Object.keys(rest.nested ?? {}).length > 0;
    return isWanted ? [[name, rest]] : [];
  });
  return { ...proto, nested: Object.fromEntries(nested) };
}
