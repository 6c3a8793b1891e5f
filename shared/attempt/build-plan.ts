import { credentialsOf, ENVIRONMENT_PREFIX } from "../agent/environment.ts";
import type { ResolvedAgent } from "../agent/settings.ts";
import { buildTimeoutSeconds, TIMING } from "../limits.ts";
import { TRACE_VARIABLE, type TraceContext } from "../run/trace.ts";

/** What the operator decides about builds; the same for every run. */
export interface BuildSettings {
  projectId: string;
  /** Cloud Build region, e.g. `us-central1`; the one value that every call uses. */
  location: string;
  /** Image of the runner, pinned by digest in production. */
  image: string;
  /** `projects/P/serviceAccounts/EMAIL` that builds run as. */
  serviceAccount: string;
  /** `gs://BUCKET` for build logs. */
  logsBucket: string;
  /** `projects/P/secrets/S/versions/V` with the key of the model's API. */
  modelKeySecret: string;
  /** `projects/P/locations/L/workerPools/W`; absent: the default pool. */
  pool?: string;
  /** The largest mirror of a repository, in MiB. 0 or absent: there are none. */
  mirrorMiB?: number;
}

/** An attempt as a build sees it. */
export interface PlannedAttempt {
  runId: string;
  attempt: number;
  /** Id of the slot that it holds. Null: it holds none. */
  slot: string | null;
  agent: Pick<
    ResolvedAgent,
    "timeoutSeconds" | "machineType" | "environment" | "repository" | "repositories"
  >;
  /** The input archive; `generation` pins its content. */
  input: { bucket: string; object: string; generation: string };
  /** Where in the run's trace its build goes on. Null: nothing is traced. */
  trace: TraceContext | null;
}

/** The tag that every build of ours carries: other builds of the project share the topic. */
export const PRODUCT_TAG = "runyard";

const MODEL_KEY = "ANTHROPIC_API_KEY";

/** The fields of Cloud Build's `Build` that we set, by Google's names. */
export type BuildPlan = ReturnType<typeof buildPlan>;

/**
 * The build of an attempt. Nothing in it comes from a user's text: the prompt travels in the source
 * archive alone, and what is an argument or a plain variable here is constant, but for the digits
 * of a trace, so neither a shell nor Cloud Build's `$` templates ever see it. (`$BUILD_ID` is the
 * one template, and is meant.) Of
 * the agent's environment the names and the secrets' versions are here, whose patterns leave no
 * room for a template, and of its repositories the secrets'; `secretFaults` has refused what nobody
 * may name.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest/v1/projects.builds#Build
 */
export function buildPlan(settings: BuildSettings, attempt: PlannedAttempt) {
  const { environment = {} } = attempt.agent;
  const secrets = [
    { versionName: settings.modelKeySecret, env: MODEL_KEY },
    ...Object.entries(environment).map(([name, { secret }]) => ({
      versionName: secret,
      env: `${ENVIRONMENT_PREFIX}${name}`,
    })),
    ...credentialsOf(attempt.agent).map(({ secret, variable }) => ({
      ...{ versionName: secret, env: variable },
    })),
  ];
  return {
    source: {
      storageSource: {
        bucket: attempt.input.bucket,
        object: attempt.input.object,
        generation: attempt.input.generation,
      },
    },
    steps: [
      {
        id: "agent",
        name: settings.image,
        args: ["run"],
        env: [
          "BUILD_ID=$BUILD_ID",
          ...(attempt.trace === null ? [] : [`${TRACE_VARIABLE}=${attempt.trace}`]),
        ],
        secretEnv: secrets.map(({ env }) => env),
      },
    ],
    availableSecrets: { secretManager: secrets },
    serviceAccount: settings.serviceAccount,
    logsBucket: settings.logsBucket,
    timeout: { seconds: buildTimeoutSeconds(attempt.agent.timeoutSeconds) },
    queueTtl: { seconds: TIMING.queueTtl },
    tags: tagsOf(attempt),
    options: {
      logging: "GCS_ONLY" as const,
      machineType: attempt.agent.machineType,
      substitutionOption: "MUST_MATCH" as const,
      ...(settings.pool && { pool: { name: settings.pool } }),
    },
  };
}

/**
 * The object that Cloud Build writes the log of a build to.
 *
 * @param logsBucket `gs://BUCKET` or `gs://BUCKET/FOLDER`
 */
export function logObject(logsBucket: string, buildId: string): { bucket: string; name: string } {
  const [bucket = "", ...folders] = logsBucket.replace(/^gs:\/\//, "").split("/");
  return { bucket, name: [...folders.filter(Boolean), `log-${buildId}.txt`].join("/") };
}

/** Before the id of a slot in a tag: its target's name is the operator's. */
const SLOT_TAG = "slot.";

/**
 * Those by which strays are found. Run and attempt are not enough: a run that was deleted may be
 * accepted again under its id, and holds another slot then.
 */
function tagsOf({ runId, attempt, slot }: PlannedAttempt): string[] {
  const own = [PRODUCT_TAG, runId, `${runId}.${attempt}`];
  return slot === null ? own : [...own, `${SLOT_TAG}${slot}`];
}

/** What a build's tags name. */
export interface TaggedAttempt {
  runId: string;
  attempt: number;
  /** Null: it was made for none, or by a revision that did not say. */
  slot: string | null;
}

/** Undefined: not a build of ours. */
export function attemptOfTags(tags: readonly string[]): TaggedAttempt | undefined {
  if (!tags.includes(PRODUCT_TAG)) return undefined;
  const slot = tags.find((tag) => tag.startsWith(SLOT_TAG))?.slice(SLOT_TAG.length) ?? null;
  for (const tag of tags) {
    const match = /^(run_[0-9A-Za-z]{22})\.([1-9][0-9]{0,3})$/.exec(tag);
    if (match?.[1] && match[2]) return { runId: match[1], attempt: Number(match[2]), slot };
  }
  return undefined;
}
