import type { BuildSettings } from "../shared/build-plan.ts";

/** Everything that the functions take from their environment; this is the one place that reads it. */
export interface Config {
  projectId: string;
  /** Bucket of inputs, claims, outputs and manifests. */
  bucket: string;
  /** The API's address as builds reach it, without a trailing slash. */
  publicUrl: string;
  /** Host names (without port) that requests to the API may be addressed to. */
  allowedHosts: readonly string[];
  builds: BuildSettings;
  /** `host:port` of a Cloud Build that is not Google's; Google's clients know no variable for it. */
  cloudBuildEmulatorHost: string | undefined;
  /** The function that this process serves. */
  functionTarget: string | undefined;
  /** Address that the HTTP server binds to. */
  host: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration.
 *
 * @throws {Error} that names every variable that is missing.
 */
export function readConfig(environment: Environment = process.env): Config {
  const required = requiredFrom(environment, [
    "GOOGLE_CLOUD_PROJECT",
    "RUNYARD_BUCKET",
    "RUNYARD_PUBLIC_URL",
    "RUNYARD_IMAGE",
    "RUNYARD_BUILD_SERVICE_ACCOUNT",
    "RUNYARD_LOGS_BUCKET",
    "RUNYARD_MODEL_KEY_SECRET",
  ]);
  const projectId = required.GOOGLE_CLOUD_PROJECT;
  return {
    projectId,
    bucket: required.RUNYARD_BUCKET,
    publicUrl: required.RUNYARD_PUBLIC_URL.replace(/\/+$/, ""),
    allowedHosts: listOf(environment["RUNYARD_ALLOWED_HOSTS"] ?? "127.0.0.1,localhost,[::1]"),
    builds: {
      projectId,
      location: environment["RUNYARD_LOCATION"] ?? "us-central1",
      image: required.RUNYARD_IMAGE,
      serviceAccount: required.RUNYARD_BUILD_SERVICE_ACCOUNT,
      logsBucket: required.RUNYARD_LOGS_BUCKET,
      modelKeySecret: required.RUNYARD_MODEL_KEY_SECRET,
    },
    cloudBuildEmulatorHost: environment["CLOUD_BUILD_EMULATOR_HOST"],
    functionTarget: environment["FUNCTION_TARGET"],
    // Cloud Run (which sets K_SERVICE) reaches its container from outside; nobody else shall.
    host: environment["K_SERVICE"] === undefined ? "127.0.0.1" : "0.0.0.0",
  };
}

function requiredFrom<const N extends string>(
  environment: Environment,
  names: readonly N[],
): Record<N, string> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`not set in the environment: ${missing.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? ""])) as Record<
    N,
    string
  >;
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .filter(Boolean);
}
