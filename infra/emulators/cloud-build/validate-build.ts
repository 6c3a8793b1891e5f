import { GoogleError } from "../wire/status.ts";
import { durationMs, type RequestedBuild } from "./build.ts";
import { goDuration, invalid } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import { BUILT_IN_KEYS, keysOf, mapTemplates, REPOSITORY_KEYS, USER_KEY } from "./substitutions.ts";
import { checkSecrets } from "./validate-secrets.ts";
import { checkEnv, checkSteps } from "./validate-steps.ts";

const TAG = /^\w[\w.-]{0,127}$/;

/** A Docker image reference, loosely: path components, then a tag or a digest. */
const IMAGE =
  /^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-fA-F]{32,})?$/;

const UNSUPPORTED_SOURCES = [
  "repoSource",
  "gitSource",
  "storageSourceManifest",
  "connectedRepository",
];
const UNSUPPORTED_OPTIONS = ["pool", "workerPool", "volumes"];
const UNSUPPORTED_ARTIFACTS = ["mavenArtifacts", "goModules", "pythonPackages", "npmPackages"];

/**
 * Refuses what Google refuses at CreateBuild, before substitution.
 *
 * @throws {GoogleError} INVALID_ARGUMENT with Google's text where it is known; UNIMPLEMENTED for a
 * feature
 *   of Cloud Build that this service does not have.
 */
export function checkBuild(build: RequestedBuild): void {
  checkSupported(build);
  checkTimes(build);
  checkSubstitutions(build.substitutions ?? {});
  checkSource(build);
  checkArtifacts(build);
  checkSteps(build.steps ?? [], durationMs(build.timeout ?? {}));
  checkEnv(build.options?.env ?? [], "options.env");
  checkTemplates(build);
  checkSecrets(build);
  checkLogging(build);
  checkDisk(build.options?.diskSizeGb);
}

/**
 * Checks what can be known only after substitution, and returns the tags as Google keeps them:
 * empty and repeated ones dropped.
 *
 * @throws {GoogleError} INVALID_ARGUMENT
 */
export function checkSubstituted(build: RequestedBuild): string[] {
  for (const [index, step] of (build.steps ?? []).entries()) {
    if (!IMAGE.test(step.name)) {
      throw invalid(`steps[${index}].name`, `invalid build step name "${step.name}"`);
    }
  }
  for (const image of build.images ?? []) checkImageName(image);
  const tags = build.tags ?? [];
  if (tags.length > LIMITS.tags) {
    throw invalid("tags", `number of tags ${tags.length} exceeded (max: ${LIMITS.tags})`);
  }
  const kept = [...new Set(tags)].filter((tag) => tag !== "");
  for (const tag of kept) {
    if (!TAG.test(tag)) {
      throw invalid(
        "tags",
        `invalid build tag "${tag}": must match format "^([\\w][\\w.-]{0,127})$"`,
      );
    }
  }
  return kept;
}

function checkImageName(image: string): void {
  if (IMAGE.test(image)) return;
  const reason = IMAGE.test(image.toLowerCase()) ? " contains uppercase letters" : "";
  throw invalid("images", `invalid image name "${image}"${reason}`);
}

// Differs: parts of a build are refused by the field's name: private pools, volumes, KMS secrets,
// bash-style substitutions, repositories as sources and package registries as targets are not here.
function checkSupported(build: RequestedBuild): void {
  refuseAny("source", build.source, UNSUPPORTED_SOURCES);
  refuseAny("options", build.options, UNSUPPORTED_OPTIONS);
  refuseAny("options", build.options, ["dynamicSubstitutions"]);
  refuseAny("artifacts", build.artifacts, UNSUPPORTED_ARTIFACTS);
  refuseAny("availableSecrets", build.availableSecrets, ["inline"]);
  refuseAny("", build, ["secrets", "gitConfig", "dependencies"]);
  for (const [index, step] of (build.steps ?? []).entries()) {
    refuseAny(`steps[${index}]`, step, ["volumes"]);
  }
}

function refuseAny(owner: string, message: object | undefined, fields: string[]): void {
  for (const field of fields) {
    const value = (message as Record<string, unknown> | undefined)?.[field];
    const isAbsent = Array.isArray(value) ? value.length === 0 : !value;
    if (isAbsent) continue;
    const path = owner === "" ? field : `${owner}.${field}`;
    throw new GoogleError("UNIMPLEMENTED", `the stand-in does not implement build.${path}`);
  }
}

function checkTimes({ timeout, queueTtl }: RequestedBuild): void {
  const timeoutMs = durationMs(timeout ?? {});
  if (timeoutMs > LIMITS.timeoutMs) {
    throw invalid(
      "timeout",
      `timeout exceeds the timeout limit of ${goDuration(LIMITS.timeoutMs)}`,
    );
  }
  if (timeoutMs < 0) throw invalid("timeout", "invalid timeout: timeout must be >=0");
  if (durationMs(queueTtl ?? {}) < 0) throw invalid("queue_ttl", "queue_ttl must be >=0");
}

function checkSubstitutions(substitutions: Record<string, string>): void {
  const entries = Object.entries(substitutions);
  if (entries.length > LIMITS.substitutions) {
    const count = `number of substitutions ${entries.length} exceeded`;
    throw invalid("substitutions", `${count} (max: ${LIMITS.substitutions})`);
  }
  for (const [key, value] of entries) checkSubstitution(key, value);
}

function checkSubstitution(key: string, value: string): void {
  if (key.length > LIMITS.substitutionKeyLength) {
    const limit = `(max: ${LIMITS.substitutionKeyLength})`;
    throw invalid("substitutions", `substitution key "${key}" too long ${limit}`);
  }
  if (!USER_KEY.test(key) && !REPOSITORY_KEYS.includes(key)) {
    const format = `does not respect format "${USER_KEY.source}"`;
    const reason = `${format} and is not an overridable built-in substitutions`;
    throw invalid("substitutions", `substitution key "${key}" ${reason}`);
  }
  if (value.length > LIMITS.substitutionValueLength) {
    const limit = `(max: ${LIMITS.substitutionValueLength})`;
    throw invalid("substitutions", `substitution value "${value}" too long ${limit}`);
  }
}

/** Unknown keys are refused always; missing and unused ones unless the build says ALLOW_LOOSE. */
function checkTemplates(build: RequestedBuild): void {
  const substitutions = build.substitutions ?? {};
  const used = new Set<string>();
  mapTemplates(build, (template) => {
    for (const key of keysOf(template)) used.add(key);
    return template;
  });
  const problems: string[] = [];
  for (const key of used) {
    if (Object.hasOwn(substitutions, key) || BUILT_IN_KEYS.has(key)) continue;
    if (!USER_KEY.test(key)) {
      const reason = `key in the template "${key}" is not a valid built-in substitution`;
      throw invalid("substitutions", reason);
    }
    problems.push(
      `key in the template "${key}" is not matched in the substitution data; substitutions = ${goMap(substitutions)}`,
    );
  }
  for (const key of Object.keys(substitutions)) {
    if (used.has(key) || isAutomapped(build)) continue;
    problems.push(`key "${key}" in the substitution data is not matched in the template`);
  }
  if (problems.length > 0 && build.options?.substitutionOption !== "ALLOW_LOOSE") {
    throw invalid("substitutions", problems.join(";"));
  }
}

/** Whether some step receives every substitution as an environment variable: then all are used. */
function isAutomapped(build: RequestedBuild): boolean {
  const byDefault = build.options?.automapSubstitutions ?? false;
  return (build.steps ?? []).some((step) => step.automapSubstitutions ?? byDefault);
}

function goMap(record: Record<string, string>): string {
  const entries = Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(" ")}]`;
}

function checkSource({ source }: RequestedBuild): void {
  const storage = source?.storageSource;
  if (storage === undefined || storage === null) return;
  const object = storage.object ?? "";
  if (!storage.bucket) throw invalid("source.storage_source.bucket", "bucket must be specified");
  if (object === "") throw invalid("source.storage_source.object", "object must be specified");
  if (object.endsWith(".zip")) {
    // Differs: Google unpacks .zip archives too.
    throw new GoogleError("UNIMPLEMENTED", "the stand-in does not implement .zip sources");
  }
  if (!/\.(?:tar\.gz|tgz)$/.test(object)) {
    const reason = `source object "${object}" must be a zipped (.zip) or gzipped archive (.tar.gz)`;
    throw invalid("source.storage_source.object", reason);
  }
}

function checkArtifacts({ images = [], artifacts }: RequestedBuild): void {
  const own = artifacts?.images ?? [];
  if (images.length > 0 && own.length > 0 && images.join("\n") !== own.join("\n")) {
    throw invalid("artifacts", "cannot specify different .images and .artifacts.images");
  }
  const all = images.length > 0 ? images : own;
  if (all.length > LIMITS.images) {
    throw invalid("images", `cannot specify more than ${LIMITS.images} images to build`);
  }
  for (const [index, image] of all.entries()) {
    if (image.length > LIMITS.imageLength) {
      throw invalid("images", `image ${index} too long (max: ${LIMITS.imageLength})`);
    }
  }
  if (artifacts?.objects) checkObjects(artifacts.objects.location ?? "", artifacts.objects.paths);
}

function checkObjects(location: string, paths: string[] = []): void {
  const fail = (reason: string) => invalid("artifacts.objects", reason);
  if (location === "") throw fail(".artifacts.location field is empty");
  if (!location.startsWith("gs://")) {
    const rule = "Google Cloud Storage URLs must begin with 'gs://'";
    throw fail(`invalid .artifacts.location value "${location}"; ${rule}`);
  }
  if (paths.length === 0) throw fail(".artifacts.paths field empty");
  if (paths.length > LIMITS.artifactPaths) {
    const limit = `cannot specify more than ${LIMITS.artifactPaths}`;
    throw fail(`.artifacts.paths field has length ${paths.length}, but ${limit}`);
  }
  const spaced = paths.find((path) => /\s/.test(path));
  if (spaced !== undefined) throw fail(`.artifacts.paths "${spaced}" contains whitespace`);
  const repeated = paths.filter((path, index) => paths.indexOf(path) !== index);
  if (repeated.length > 0) {
    const list = `[${repeated.join(", ")}]`;
    throw fail(`.artifacts.paths field has duplicate paths; remove duplicates ${list}`);
  }
}

/** A build under one's own service account must say where its logs go. */
function checkLogging({ serviceAccount, logsBucket, options }: RequestedBuild): void {
  if (!serviceAccount || logsBucket) return;
  const isRegional = options?.defaultLogsBucketBehavior === "REGIONAL_USER_OWNED_BUCKET";
  if (isRegional || ["CLOUD_LOGGING_ONLY", "NONE"].includes(options?.logging ?? "")) return;
  throw new GoogleError(
    "INVALID_ARGUMENT",
    "generic::invalid_argument: if 'build.service_account' is specified, the build must either (a) specify 'build.logs_bucket', (b) use the REGIONAL_USER_OWNED_BUCKET build.options.default_logs_bucket_behavior option, or (c) use either CLOUD_LOGGING_ONLY / NONE logging options",
  );
}

function checkDisk(diskSizeGb: string | undefined): void {
  const size = Number(diskSizeGb ?? 0);
  if (size >= 0 && size <= LIMITS.diskSizeGb) return;
  const range = `must be between 0 and ${LIMITS.diskSizeGb}`;
  throw invalid("options.disk_size_gb", `disk size ${diskSizeGb} ${range}`);
}
