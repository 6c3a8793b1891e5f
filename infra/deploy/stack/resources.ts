import type * as pulumi from "@pulumi/pulumi";
import type { Argument, Reference, Resource } from "../resource.ts";

type ResourceClass = new (
  name: string,
  args: object,
  options: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

/** Makes each resource after those that it waits for; the plan has them in such an order. */
export async function makeResources(resources: readonly Resource[]): Promise<void> {
  const made = new Map<string, pulumi.CustomResource>();
  for (const { name, type, args, after = [] } of resources) {
    const Class = await classOf(type);
    const dependsOn = after.map((other) => found(made, other));
    made.set(name, new Class(name, filled(args, made) as object, { dependsOn }));
  }
}

/** Only the module that is needed: all of them together take most of a second. */
async function classOf(type: string): Promise<ResourceClass> {
  const [module = "", name = ""] = type.split(".");
  const loaded = (await import(`@pulumi/gcp/${module}/index.js`)) as Record<string, ResourceClass>;
  const found = loaded[name] ?? (loaded["default"] as unknown as typeof loaded | undefined)?.[name];
  if (found === undefined) throw new Error(`@pulumi/gcp has no ${type}`);
  return found;
}

/** The argument with the outputs that it refers to in their places. */
function filled(value: Argument, made: ReadonlyMap<string, pulumi.CustomResource>): unknown {
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item: Argument) => filled(item, made));
  if (isReference(value)) {
    const { [value.output]: output } = found(made, value.ref) as unknown as Record<string, unknown>;
    return output;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, made)]));
}

const isReference = (value: object): value is Reference => "ref" in value && "output" in value;

function found(made: ReadonlyMap<string, pulumi.CustomResource>, name: string) {
  const resource = made.get(name);
  if (resource === undefined) throw new Error(`the plan has ${name} too late, or not at all`);
  return resource;
}
