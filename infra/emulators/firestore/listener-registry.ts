import type { StoredDocument } from "./document.ts";
import type { ListenStream, ListenTarget } from "./listen-stream.ts";
import type { Query } from "./query.ts";
import { groupPath } from "./store.ts";

/** The targets by where a change must be to concern them, so that a commit asks no others. */
export interface ListenerRegistry {
  streams: Set<ListenStream>;
  targets: Map<string, Set<ListenTarget>>;
}

export function makeListenerRegistry(): ListenerRegistry {
  return { streams: new Set(), targets: new Map() };
}

export function addListener(registry: ListenerRegistry, target: ListenTarget): void {
  for (const place of placesOf(target)) {
    const targets = registry.targets.get(place) ?? new Set();
    registry.targets.set(place, targets.add(target));
  }
}

export function removeListener(registry: ListenerRegistry, target: ListenTarget): void {
  for (const place of placesOf(target)) {
    const targets = registry.targets.get(place);
    targets?.delete(target);
    if (targets?.size === 0) registry.targets.delete(place);
  }
}

/** The targets that a change of the document may concern. */
export function* listenersOf(
  registry: ListenerRegistry,
  { key, name }: StoredDocument,
): Generator<ListenTarget> {
  const group = groupPath(name.root, name.collectionId);
  for (const place of [key, name.collection, group, name.root]) {
    yield* registry.targets.get(place) ?? [];
  }
}

/** Document keys, a collection's path, a group's or, for a query of all collections, the root. */
function placesOf(target: ListenTarget): string[] {
  if (target.documents) return [...target.documents.keys()];
  return target.window ? [placeOf(target.window.query)] : [];
}

function placeOf({ scope }: Query): string {
  if (scope.collectionId === undefined) return scope.root;
  if (scope.allDescendants) return groupPath(scope.root, scope.collectionId);
  return `${scope.parent}/${scope.collectionId}`;
}
