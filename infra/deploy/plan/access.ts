import { grantsOf } from "../access/given.ts";
import { type Grant, grantName, type Principal, targetName } from "../access/grant.ts";
import { type Role, roleId } from "../access/roles.ts";
import { AGENTS, SEAL_SECRET } from "../names.ts";
import type { Argument, Resource } from "../resource.ts";
import type { Stack } from "./stack.ts";

/** The roles that are ours, and who is given which on what. */
export function accessResources(stack: Stack): Resource[] {
  const grants = grantsOf(stack.settings);
  return [
    ...ownRoles(grants).map((role) => roleOf(stack, role)),
    ...grants.map((grant) => memberOf(stack, grant)),
  ];
}

type OwnRole = Extract<Role, { own: string }>;

function ownRoles(grants: readonly Grant[]): OwnRole[] {
  const roles = grants.flatMap(({ role }) => ("own" in role ? [role] : []));
  return [...new Map(roles.map((role) => [role.own, role])).values()];
}

function roleOf({ settings: { project } }: Stack, { own, permissions }: OwnRole): Resource {
  return {
    name: `role-${own}`,
    type: "projects.IAMCustomRole",
    args: { project, roleId: own, title: own, permissions },
    after: ["api-iam"],
  };
}

/** The name of the resource that gives a role. */
export const memberResource = (grant: Grant): string =>
  `grant-${grantName(grant).replace(/[^\w.-]+/g, "-")}`;

function memberOf(stack: Stack, grant: Grant): Resource {
  const { settings, names } = stack;
  const { role, on, objectPrefix } = grant;
  const { type, args, after } = placeOf(stack, grant);
  const id = roleId(role);
  const ownRole = "own" in role ? [`role-${role.own}`] : [];
  const account = principalResource(grant.principal);
  return {
    name: memberResource(grant),
    type,
    args: {
      ...args,
      role: "own" in role ? `projects/${settings.project}/roles/${id}` : id,
      member: memberName(stack, grant.principal),
      ...(objectPrefix !== undefined && {
        condition: {
          title: "objects",
          expression: `resource.name.startsWith("projects/_/${targetName(on, names)}/objects/${objectPrefix}")`,
        },
      }),
    },
    after: [...after, ...ownRole, ...account],
  };
}

const principalResource = (principal: Principal): string[] =>
  principal === "anybody" || principal in AGENTS ? [] : [`account-${principal}`];

function memberName({ names }: Stack, principal: Principal): string {
  if (principal === "anybody") return "allUsers";
  if (principal === "pubsubAgent" || principal === "cloudBuildAgent") {
    return `serviceAccount:${names.agentEmail(principal)}`;
  }
  return `serviceAccount:${names.emailOf(principal)}`;
}

interface PlacedGrant {
  type: string;
  args: Record<string, Argument>;
  after: string[];
}

/** What Pulumi calls a role on such a resource. */
function placeOf({ settings, names }: Stack, { on }: Grant): PlacedGrant {
  const { project, region, buildRegion } = settings;
  switch (on.kind) {
    case "project":
      return { type: "projects.IAMMember", args: { project }, after: [] };
    case "topic":
      return {
        type: "pubsub.TopicIAMMember",
        args: { project, topic: on.topic },
        after: [`topic-${on.topic}`],
      };
    case "subscription":
      return {
        type: "pubsub.SubscriptionIAMMember",
        args: { project, subscription: on.topic },
        after: [`subscription-${on.topic}`],
      };
    case "dataBucket":
    case "logsBucket": {
      const after = [on.kind === "dataBucket" ? "bucket-data" : "bucket-logs"];
      return { type: "storage.BucketIAMMember", args: { bucket: names[on.kind] }, after };
    }
    case "secret": {
      const args = { project, secretId: settings.modelKeySecret };
      return { type: "secretmanager.SecretIamMember", args, after: ["model-key"] };
    }
    case "sealSecret": {
      // `deploy` makes it, with its value, before all else of the stack.
      const args = { project, secretId: SEAL_SECRET };
      return { type: "secretmanager.SecretIamMember", args, after: ["api-secretmanager"] };
    }
    case "appKey":
    case "hookKey": {
      const secretId = names[on.kind].split("/").at(-1) ?? "";
      const args = { project, secretId };
      return { type: "secretmanager.SecretIamMember", args, after: ["api-secretmanager"] };
    }
    case "repository": {
      const args = { project, location: buildRegion, repository: names.repository };
      return { type: "artifactregistry.RepositoryIamMember", args, after: ["images"] };
    }
    case "account": {
      const args = { serviceAccountId: names.accountName(on.account) };
      return { type: "serviceaccount.IAMMember", args, after: [`account-${on.account}`] };
    }
    case "service": {
      const name = names.service(on.service).split("/").at(-1) ?? "";
      const args = { project, location: region, name };
      return { type: "cloudrunv2.ServiceIamMember", args, after: [`service-${on.service}`] };
    }
  }
}
