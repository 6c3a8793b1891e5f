import { quoted } from "../../../cli/typed.ts";
import { ACCOUNTS } from "../../deploy/names.ts";
import type { Resource } from "../../deploy/resource.ts";
import { fault, type Look, ok, warning } from "../check.ts";
import type { Args } from "./resource-row.ts";
import type { Cloud } from "./world.ts";

/** A binding of a policy. @see https://cloud.google.com/iam/docs/reference/rest/v1/Policy */
interface Binding {
  role: string;
  members?: string[];
  condition?: { title?: string; expression: string };
}

/** Somebody's role on something, as Pulumi is told of it. */
interface Member {
  role: string;
  member: string;
  condition?: { title: string; expression: string };
}

interface PolicyRow {
  /** Address of the resource's policy. */
  url(args: Args, cloud: Cloud): string;
  /** It is read by a POST with this; absent: by a GET. */
  posted?: object;
  /** `gcloud … VERB-iam-policy-binding …` of the resource. */
  gcloud(args: Args, verb: string): string;
  /** Its policy may have conditions, so that a grant without one says so. */
  takesConditions?: true;
}

const QUERY = "options.requestedPolicyVersion=3";

/** Each class of Pulumi's that gives somebody a role: where its policy is, and what changes it. */
export const POLICY_ROWS: Readonly<Record<string, PolicyRow>> = {
  "projects.IAMMember": {
    url: ({ project }) =>
      `https://cloudresourcemanager.googleapis.com/v3/projects/${project}:getIamPolicy`,
    posted: { options: { requestedPolicyVersion: 3 } },
    gcloud: ({ project }, verb) => `gcloud projects ${verb}-iam-policy-binding ${project}`,
    takesConditions: true,
  },
  "pubsub.TopicIAMMember": {
    url: ({ topic }, { names }) =>
      `https://pubsub.googleapis.com/v1/${names.topic(topic)}:getIamPolicy?${QUERY}`,
    gcloud: ({ project, topic }, verb) =>
      `gcloud pubsub topics ${verb}-iam-policy-binding ${topic} --project ${project}`,
  },
  "pubsub.SubscriptionIAMMember": {
    url: ({ subscription }, { names }) =>
      `https://pubsub.googleapis.com/v1/${names.subscription(subscription)}:getIamPolicy?${QUERY}`,
    gcloud: ({ project, subscription }, verb) =>
      `gcloud pubsub subscriptions ${verb}-iam-policy-binding ${subscription} --project ${project}`,
  },
  "storage.BucketIAMMember": {
    url: ({ bucket }) =>
      `https://storage.googleapis.com/storage/v1/b/${bucket}/iam?optionsRequestedPolicyVersion=3`,
    gcloud: ({ bucket }, verb) =>
      `gcloud storage buckets ${verb}-iam-policy-binding gs://${bucket}`,
  },
  "secretmanager.SecretIamMember": {
    url: ({ project, secretId }) =>
      `https://secretmanager.googleapis.com/v1/projects/${project}/secrets/${secretId}:getIamPolicy?${QUERY}`,
    gcloud: ({ project, secretId }, verb) =>
      `gcloud secrets ${verb}-iam-policy-binding ${secretId} --project ${project}`,
  },
  "artifactregistry.RepositoryIamMember": {
    url: (_args, { names }) =>
      `https://artifactregistry.googleapis.com/v1/${names.repositoryName}:getIamPolicy?${QUERY}`,
    gcloud: ({ project, location, repository }, verb) =>
      `gcloud artifacts repositories ${verb}-iam-policy-binding ${repository} --location ${location} --project ${project}`,
  },
  "serviceaccount.IAMMember": {
    url: ({ serviceAccountId }) =>
      `https://iam.googleapis.com/v1/${serviceAccountId}:getIamPolicy?${QUERY}`,
    posted: {},
    gcloud: ({ serviceAccountId }, verb) => {
      const [, project, , email] = serviceAccountId.split("/");
      return `gcloud iam service-accounts ${verb}-iam-policy-binding ${email} --project ${project}`;
    },
  },
  "cloudrunv2.ServiceIamMember": {
    url: ({ project, location, name }) =>
      `https://run.googleapis.com/v2/projects/${project}/locations/${location}/services/${name}:getIamPolicy?${QUERY}`,
    gcloud: ({ project, location, name }, verb) =>
      `gcloud run services ${verb}-iam-policy-binding ${name} --region ${location} --project ${project}`,
  },
};

/**
 * Every grant of the table in the policy that it belongs to, and nothing else of ours in any of
 * these.
 */
export async function lookAtGrants(cloud: Cloud): Promise<Look[]> {
  const places = Map.groupBy(
    cloud.plan.filter(({ type }) => POLICY_ROWS[type] !== undefined),
    ({ type, args }) => POLICY_ROWS[type]?.url(args, cloud) ?? "",
  );
  const looks = await Promise.all(
    [...places].map(([url, grants]) => lookAtPolicy(cloud, url, grants)),
  );
  const all = looks.flat();
  const count = [...places.values()].flat().length;
  return all.length > 0 ? all : [ok(`${count} as the table has them, and no other`)];
}

async function lookAtPolicy(
  { google, names }: Cloud,
  url: string,
  grants: readonly Resource[],
): Promise<Look[]> {
  const [{ type, args }] = grants as [Resource];
  const row = POLICY_ROWS[type] as PolicyRow;
  const policy = (await (row.posted ? google.post(url, row.posted) : google.get(url))) as
    | { bindings?: Binding[] }
    | undefined;
  const ours = new Set(ACCOUNTS.map((account) => `serviceAccount:${names.emailOf(account)}`));
  return policyLooks({
    bindings: policy?.bindings ?? [],
    wanted: grants.map((grant) => grant.args as unknown as Member),
    isWatched: (member) => ours.has(member) || EVERYBODY.includes(member),
    command: (verb, member) => `${row.gcloud(args, verb)} ${memberFlags(member, row)}`,
    place: targetOf(row.gcloud(args, "add")),
  });
}

const EVERYBODY = ["allUsers", "allAuthenticatedUsers"];

/** `pubsub topics run-requests` of a command. */
const targetOf = (command: string): string =>
  command.replace(/^gcloud | add-iam-policy-binding| --.*$/g, "");

/**
 * Where a policy and the table differ. @param of.isWatched whose roles may be no more than the
 * table's
 */
function policyLooks({
  bindings,
  wanted,
  isWatched,
  command,
  place,
}: {
  bindings: readonly Binding[];
  wanted: readonly Member[];
  isWatched(member: string): boolean;
  command(verb: "add" | "remove", member: Member): string;
  place: string;
}): Look[] {
  const given = bindings.flatMap(({ role, members = [], condition }) =>
    members.map((member): Member => ({ role, member, ...(condition && conditioned(condition)) })),
  );
  const missing = wanted.filter((grant) => !given.some((other) => isSame(grant, other)));
  const more = given.filter(
    (grant) => isWatched(grant.member) && !wanted.some((other) => isSame(grant, other)),
  );
  return [
    ...missing.map((grant) =>
      fault(`${grant.member} lacks ${grant.role} on ${place}`, command("add", grant)),
    ),
    ...more.map((grant) =>
      warning(
        `${grant.member} has ${grant.role} on ${place}, which the table does not have`,
        command("remove", grant),
      ),
    ),
  ];
}

const conditioned = ({ title = "", expression }: NonNullable<Binding["condition"]>) => ({
  condition: { title, expression },
});

const isSame = (one: Member, other: Member): boolean =>
  one.role === other.role &&
  one.member === other.member &&
  one.condition?.expression === other.condition?.expression;

function memberFlags(
  { member, role, condition }: Member,
  { takesConditions }: Pick<PolicyRow, "takesConditions">,
): string {
  const flags = `--member ${quoted(member)} --role ${role}`;
  if (condition === undefined) return takesConditions ? `${flags} --condition None` : flags;
  const { title, expression } = condition;
  return `${flags} --condition ${quoted(`expression=${expression},title=${title}`)}`;
}
