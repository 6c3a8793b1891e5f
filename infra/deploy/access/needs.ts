/** What a call needs: a permission on a resource, by Google's names of both. */
export interface Need {
  permission: string;
  /** `projects/P`, `projects/P/topics/T`, `buckets/B`, `buckets/B/objects/NAME`, … */
  resource: string;
}

/** How one of Google's methods is judged. */
interface Method {
  /** Google's page that says so. */
  page: string;
  /** What a request of it needs. */
  // biome-ignore lint/suspicious/noExplicitAny: each method has its own request
  needs(request: any): Need[];
}

const FIRESTORE_PAGE = "https://cloud.google.com/firestore/docs/security/iam#required_permissions";
const PUBSUB_PAGE = "https://cloud.google.com/pubsub/docs/access-control#required_permissions";
const BUILD_PAGE = "https://cloud.google.com/build/docs/iam-roles-permissions#permissions";
const ACCOUNT_PAGE =
  "https://cloud.google.com/build/docs/securing-builds/configure-user-specified-service-accounts";
const STORAGE_PAGE = "https://cloud.google.com/storage/docs/access-control/iam-json";

/** `projects/P` of any name below it. */
const projectOf = (name = ""): string => name.split("/").slice(0, 2).join("/");

/** Permissions of Firestore are of the whole project. */
function firestore(...permissions: string[]): Method {
  return {
    page: FIRESTORE_PAGE,
    needs: ({ database, parent, newTransaction }) =>
      [...permissions, ...(newTransaction ? ["datastore.databases.get"] : [])].map(
        (permission) => ({ permission, resource: projectOf(database ?? parent) }),
      ),
  };
}

interface Write {
  delete?: string;
  currentDocument?: { exists?: boolean; updateTime?: object };
}

/** A write without a precondition may create, and may update. */
function permissionsOf(write: Write): string[] {
  if (write.delete !== undefined) return ["datastore.entities.delete"];
  const { exists, updateTime } = write.currentDocument ?? {};
  if (exists === false) return ["datastore.entities.create"];
  if (exists || updateTime) return ["datastore.entities.update"];
  return ["datastore.entities.create", "datastore.entities.update"];
}

const commit: Method = {
  page: FIRESTORE_PAGE,
  needs: ({ database, writes = [] }: { database: string; writes?: Write[] }) =>
    [...new Set(writes.flatMap(permissionsOf))].map((permission) => ({
      permission,
      resource: projectOf(database),
    })),
};

const publish: Method = {
  page: PUBSUB_PAGE,
  needs: ({ topic }) => [{ permission: "pubsub.topics.publish", resource: topic }],
};

/** Builds belong to the project, whatever their location. */
const build = (permission: string): Method => ({
  page: BUILD_PAGE,
  needs: ({ projectId }) => [{ permission, resource: `projects/${projectId}` }],
});

const createBuild: Method = {
  page: `${BUILD_PAGE} ${ACCOUNT_PAGE}`,
  needs: (request) => [
    ...build("cloudbuild.builds.create").needs(request),
    { permission: "iam.serviceAccounts.actAs", resource: request.build?.serviceAccount ?? "" },
  ],
};

interface ObjectRequest {
  parameters: Record<string, string>;
  query: Record<string, string>;
}

const object = (permission: string): Method => ({
  page: STORAGE_PAGE,
  needs: (request: ObjectRequest) => [{ permission, resource: nameOf(request) }],
});

function nameOf({ parameters: { bucket, object: name }, query }: ObjectRequest): string {
  return `buckets/${bucket}/objects/${name ?? query["name"] ?? ""}`;
}

/** Replacing an object deletes the one that was there. */
const insertObject: Method = {
  page: STORAGE_PAGE,
  needs: (request: ObjectRequest) => [
    { permission: "storage.objects.create", resource: nameOf(request) },
    ...(request.query["ifGenerationMatch"] === "0"
      ? []
      : [{ permission: "storage.objects.delete", resource: nameOf(request) }]),
  ],
};

const listObjects: Method = {
  page: STORAGE_PAGE,
  needs: ({ parameters: { bucket } }: ObjectRequest) => [listing(bucket ?? "")],
};

/** What tells an object that is not there from one that is forbidden. */
export const listing = (bucket: string): Need => ({
  permission: "storage.objects.list",
  resource: `buckets/${bucket}`,
});

const FIRESTORE = "google.firestore.v1.Firestore";
const BUILDS = "google.devtools.cloudbuild.v1.CloudBuild";

/**
 * Every method that functions and runner may call, by Google's name; to call another is refused.
 */
export const METHODS: Readonly<Record<string, Method>> = {
  [`${FIRESTORE}/BatchGetDocuments`]: firestore("datastore.entities.get"),
  [`${FIRESTORE}/BeginTransaction`]: firestore("datastore.databases.get"),
  [`${FIRESTORE}/Rollback`]: firestore("datastore.databases.get"),
  [`${FIRESTORE}/RunQuery`]: firestore("datastore.entities.get", "datastore.entities.list"),
  [`${FIRESTORE}/RunAggregationQuery`]: firestore(
    "datastore.entities.get",
    "datastore.entities.list",
  ),
  [`${FIRESTORE}/Listen`]: firestore("datastore.entities.get", "datastore.entities.list"),
  [`${FIRESTORE}/Commit`]: commit,
  [`${FIRESTORE}/BatchWrite`]: commit,
  "google.pubsub.v1.Publisher/Publish": publish,
  [`${BUILDS}/CreateBuild`]: createBuild,
  [`${BUILDS}/GetBuild`]: build("cloudbuild.builds.get"),
  [`${BUILDS}/ListBuilds`]: build("cloudbuild.builds.list"),
  // Whoever may update a build may cancel it.
  [`${BUILDS}/CancelBuild`]: build("cloudbuild.builds.update"),
  "storage.objects.get": object("storage.objects.get"),
  "storage.objects.list": listObjects,
  "storage.objects.insert": insertObject,
  "storage.objects.delete": object("storage.objects.delete"),
};
