import type { Build, RequestedBuild } from "./build.ts";

/** `$$`, `${KEY}` or `$KEY`, from left to right. A backslash escapes nothing. */
const PARAMETER = /\$\$|\$(?:\{([A-Z_][A-Z0-9_]*)\}|([A-Z_][A-Z0-9_]*))/g;

/** A key that a user may choose. */
export const USER_KEY = /^_[A-Z0-9_]+$/;

/** Built-in keys that a request may set; empty without a repository. */
export const REPOSITORY_KEYS = [
  "REPO_NAME",
  "BRANCH_NAME",
  "TAG_NAME",
  "REVISION_ID",
  "COMMIT_SHA",
  "SHORT_SHA",
];

/** Built-in keys that only a trigger fills: known, and empty here. */
const TRIGGER_KEYS = ["TRIGGER_NAME", "TRIGGER_BUILD_CONFIG_PATH", "REF_NAME", "REPO_FULL_NAME"];

const ACCOUNT_KEYS = ["SERVICE_ACCOUNT", "SERVICE_ACCOUNT_EMAIL"];

/** The keys that a template may name without anybody having set them. */
export const BUILT_IN_KEYS: ReadonlySet<string> = new Set([
  "PROJECT_ID",
  "PROJECT_NUMBER",
  "LOCATION",
  "BUILD_ID",
  ...REPOSITORY_KEYS,
  ...TRIGGER_KEYS,
  ...ACCOUNT_KEYS,
]);

/** Where a build belongs; the source of its built-in substitutions. */
export interface BuildPlace {
  id: string;
  projectId: string;
  projectNumber: string;
  location: string;
}

/** The keys that `template` names, in order, escapes left out. */
export function keysOf(template: string): string[] {
  const keys: string[] = [];
  for (const [, braced, bare] of template.matchAll(PARAMETER)) {
    const key = braced ?? bare;
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

/**
 * `template` with its parameters replaced; a key without a value becomes "", and `$$` becomes `$`.
 */
export function substitute(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(PARAMETER, (match, braced?: string, bare?: string) =>
    match === "$$" ? "$" : (values[braced ?? bare ?? ""] ?? ""),
  );
}

/** The values of all substitutions of a build: built-ins, then the request's, which win. */
export function substitutionValues(
  place: BuildPlace,
  build: RequestedBuild,
): Record<string, string> {
  const account = build.serviceAccount ?? "";
  return {
    PROJECT_ID: place.projectId,
    PROJECT_NUMBER: place.projectNumber,
    LOCATION: place.location,
    BUILD_ID: place.id,
    SERVICE_ACCOUNT: account,
    SERVICE_ACCOUNT_EMAIL: account.slice(account.lastIndexOf("/") + 1),
    ...build.substitutions,
  };
}

/**
 * A copy of `build` with `change` applied to each field in which Google substitutes: of a step
 * `name`, `args`, `env`, `dir` and `entrypoint`; `images`, `tags`, `logsBucket`, the artifacts'
 * images, location and paths; and, as Google's own samples do, `serviceAccount` and the secrets'
 * version names. Never `script`, `id`, `waitFor`, `secretEnv`, `source`.
 *
 * @see https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
 * @see https://cloud.google.com/build/docs/securing-builds/use-secrets
 */
export function mapTemplates<T extends RequestedBuild>(
  build: T,
  change: (template: string) => string,
): T {
  const all = (templates: string[] | undefined) => templates?.map(change);
  return prune({
    ...build,
    steps: build.steps?.map((step) =>
      prune({
        ...step,
        name: change(step.name ?? ""),
        args: all(step.args),
        env: all(step.env),
        dir: step.dir && change(step.dir),
        entrypoint: step.entrypoint && change(step.entrypoint),
      }),
    ),
    images: all(build.images),
    tags: all(build.tags),
    logsBucket: build.logsBucket && change(build.logsBucket),
    serviceAccount: build.serviceAccount && change(build.serviceAccount),
    artifacts: build.artifacts && mapArtifacts(build.artifacts, change),
    availableSecrets: build.availableSecrets && mapSecrets(build.availableSecrets, change),
  }) as T;
}

function mapArtifacts(
  artifacts: NonNullable<Build["artifacts"]>,
  change: (template: string) => string,
) {
  const { images, objects } = artifacts;
  return prune({
    ...artifacts,
    images: images?.map(change),
    objects:
      objects &&
      prune({
        ...objects,
        location: objects.location && change(objects.location),
        paths: objects.paths?.map(change),
      }),
  });
}

function mapSecrets(
  secrets: NonNullable<Build["availableSecrets"]>,
  change: (template: string) => string,
) {
  return {
    ...secrets,
    secretManager: (secrets.secretManager ?? []).map((secret) => ({
      ...secret,
      versionName: change(secret.versionName ?? ""),
    })),
  };
}

/** Without the keys whose value is undefined: absent stays absent. */
function prune<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
