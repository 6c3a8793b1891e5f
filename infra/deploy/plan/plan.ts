import { namesOf } from "../names.ts";
import type { Resource } from "../resource.ts";
import type { DeploySettings } from "../settings.ts";
import { accessResources } from "./access.ts";
import { documentResources } from "./documents.ts";
import { clockResource, messageResources } from "./messages.ts";
import { accountResources, apiResources, serviceResources } from "./services.ts";
import type { Stack } from "./stack.ts";
import { storageResources } from "./storage.ts";
import { watchingResources } from "./watching.ts";

/** Everything that a deployment is, in an order in which it can be made. */
export function planOf(settings: DeploySettings & { projectNumber: string }): Resource[] {
  const stack: Stack = { settings, names: namesOf(settings) };
  const documents = documentResources(stack);
  const indexes = documents.filter(({ type }) => type === "firestore.Index");
  return inOrder([
    ...apiResources(stack),
    ...accountResources(stack),
    ...documents,
    ...storageResources(stack),
    ...serviceResources(stack, indexes),
    ...messageResources(stack),
    clockResource(stack),
    ...accessResources(stack),
    ...watchingResources(stack),
  ]);
}

/** Names of the resources that a resource waits for. */
export function needed({ after = [], args }: Resource): string[] {
  const references = [...JSON.stringify(args).matchAll(/\{"ref":"([^"]+)"/g)];
  return [...after, ...references.map(([, name = ""]) => name)];
}

/** Of a plan what holds data, and what that needs: what is left when the rest is removed. */
export function keptOf(plan: readonly Resource[]): Resource[] {
  const kept = new Set(plan.filter(({ isData }) => isData).map(({ name }) => name));
  for (const resource of plan.toReversed()) {
    if (kept.has(resource.name)) for (const name of needed(resource)) kept.add(name);
  }
  return plan.filter(({ name }) => kept.has(name));
}

/** @throws {Error} if something waits for what is not there, or for itself */
function inOrder(resources: readonly Resource[]): Resource[] {
  const left = new Map(resources.map((resource) => [resource.name, resource]));
  if (left.size < resources.length) throw new Error("two resources have one name");
  const ordered: Resource[] = [];
  while (left.size > 0) {
    const ready = [...left.values()].filter((resource) =>
      needed(resource).every((name) => ordered.some((made) => made.name === name)),
    );
    if (ready.length === 0) {
      throw new Error(`these wait for what never comes: ${[...left.keys()].join(", ")}`);
    }
    for (const resource of ready) {
      ordered.push(resource);
      left.delete(resource.name);
    }
  }
  return ordered;
}
