import { grantsOf } from "./access/given.ts";
import { grantName } from "./access/grant.ts";
import { costLines } from "./costs.ts";
import { needed } from "./plan/plan.ts";
import type { Argument, Resource } from "./resource.ts";
import type { DeploySettings } from "./settings.ts";

/** What is long, and says nothing that one looks for in a plan. */
const LONG = ["source", "dashboardJson", "project"];

/**
 * The whole plan for a person: every resource with what is decided about it, who may what, and the
 * cost.
 */
export function planText(settings: DeploySettings, plan: readonly Resource[]): string {
  const types = [...new Set(plan.map(({ type }) => type))];
  const sections = types.map((type) => {
    const own = plan.filter((resource) => resource.type === type);
    return [`${type} × ${own.length}`, ...own.flatMap(resourceLines)].join("\n");
  });
  const grants = grantsOf(settings).map((grant) => `  ${grantName(grant)}: ${grant.why}`);
  return [
    `${plan.length} resources in ${settings.project}, ${settings.region}; builds in ${settings.buildRegion}.`,
    ...sections,
    ["Who may what, and why", ...grants].join("\n"),
    costLines(settings).join("\n"),
  ].join("\n\n");
}

function resourceLines(resource: Resource): string[] {
  const { name, args, isData } = resource;
  const shown = Object.entries(args).filter(([key]) => !LONG.includes(key));
  const after = needed(resource).filter((other) => !other.startsWith("api-"));
  return [
    `  + ${name}${isData ? "   (holds data)" : ""}`,
    ...shown.map(([key, value]) => `      ${key}: ${text(value)}`),
    ...(after.length > 0 ? [`      after: ${after.join(", ")}`] : []),
  ];
}

const text = (value: Argument): string =>
  typeof value === "string" ? value : JSON.stringify(value);
