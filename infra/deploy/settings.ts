import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { systemReason, usageFault } from "../../cli/failure.ts";
import { resolveAgent } from "../../shared/agent/settings.ts";
import { parsedJson } from "../../shared/json.ts";
import { validatorOf } from "../../shared/schema/validate.ts";

const Region = Type.String({ pattern: "^[a-z]+-[a-z]+[0-9]+$" });
const PinnedImage = Type.String({ pattern: "^[a-z0-9.-]+(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$" });

/** What an operator decides about a deployment; docs/deploy.md has the same table. */
const Settings = Type.Object(
  {
    project: Type.String({ pattern: "^[a-z][a-z0-9-]{4,28}[a-z0-9]$" }),
    /**
     * The project's number, which Google's own accounts and the services' addresses are named by.
     */
    projectNumber: Type.Optional(Type.String({ pattern: "^[0-9]{6,19}$" })),
    /** Of the services, documents and buckets. */
    region: Type.Optional(Region),
    /** Of the builds and their images; default: the region. */
    buildRegion: Type.Optional(Region),
    /** Image of the functions. */
    image: PinnedImage,
    /** Image of the runner. */
    runnerImage: PinnedImage,
    /** Id of the secret with the key of the model's API. */
    modelKeySecret: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,255}$" })),
    /** Id of the secret, which is there already, with the GitHub App's key; absent: none is. */
    githubKeySecret: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,255}$" })),
    /** The same of the secret with which GitHub signs the App's webhook. */
    githubHookKeySecret: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,255}$" })),
    /** Builds at a time, by machine type. */
    slots: Type.Optional(
      Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 100_000 })),
    ),
    /** How long what owners' runs leave is kept: `RUNYARD_RETENTION`, whose reader knows more. */
    retention: Type.Optional(Type.Record(Type.String(), Type.Object({}))),
    /**
     * Days after which all objects of attempts are deleted, whatever else is said; absent: never.
     */
    outputDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
    /** The same of builds' logs. */
    logDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
    /** Who is told of alerts. */
    alertEmails: Type.Optional(Type.Array(Type.String({ pattern: "^[^@\\s]+@[^@\\s]+$" }))),
    /** Id of the billing account whose spending is watched, as `01AB2C-3D4E5F-678901`. */
    billingAccount: Type.Optional(Type.String({ pattern: "^[0-9A-F]{6}(-[0-9A-F]{6}){2}$" })),
    /** USD of a month; alerts come at half, at nine tenths and at all of it. */
    monthlyBudgetUsd: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000_000 })),
    /** Instances of the api that are there without a request. */
    minInstances: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    /** Whether functions tell Cloud Trace and Cloud Monitoring of runs. */
    telemetry: Type.Optional(Type.Boolean()),
    /** Variables of the functions beside those that the stack sets. */
    environment: Type.Optional(
      Type.Record(Type.String({ pattern: "^RUNYARD_[A-Z_]+$" }), Type.String(), {
        additionalProperties: false,
      }),
    ),
  },
  { additionalProperties: false },
);

type Given = Static<typeof Settings>;
type Defaulted = "region" | "buildRegion" | "modelKeySecret" | "slots" | "logDays" | "alertEmails";

/** The settings of a deployment, defaults filled in. */
export type DeploySettings = Given &
  Required<Pick<Given, Defaulted | "minInstances" | "telemetry" | "environment">>;

/** Where the settings are unless it is said. */
export const SETTINGS_FILE = "runyard.deploy.json";

const validate = validatorOf(Settings);

/** What mends a setting that is not as it must be. */
const REMEDIES: Readonly<Record<string, string>> = {
  project: "the id of a project, as `gcloud projects list` shows it",
  projectNumber: "`gcloud projects describe PROJECT --format='value(projectNumber)'` says it",
  region: "a region as us-central1",
  buildRegion: "a region as us-central1",
  image: "pinned by its digest, as REGION-docker.pkg.dev/PROJECT/runyard/functions@sha256:…",
  runnerImage: "pinned by its digest, as REGION-docker.pkg.dev/PROJECT/runyard/agent@sha256:…",
  modelKeySecret: "the id of a secret, as anthropic-api-key",
  githubKeySecret: "the id of a secret that is there, as github-app-key",
  githubHookKeySecret: "the id of a secret that is there, as github-hook-key",
  slots: 'builds at a time by machine type, as {"E2_STANDARD_2": 10}',
  retention: 'days by owner, as {"*": {"promptDays": 90}, "ann@example.com": {"runDays": 7}}',
  outputDays: "a whole number of days from 1 to 3650",
  logDays: "a whole number of days from 1 to 3650",
  alertEmails: 'a list of addresses, as ["ops@example.com"]',
  billingAccount: "`gcloud billing accounts list` says it",
  monthlyBudgetUsd: "a whole number of USD",
  minInstances: "a whole number from 0 to 100",
  telemetry: "true or false",
  environment: 'variables of docs/configuration.md, as {"RUNYARD_TOKEN_USERS": "@example.com"}',
};

/** The variable that stands for a setting: `RUNYARD_DEPLOY_BUILD_REGION` for `buildRegion`. */
export const variableOf = (setting: string): string =>
  `RUNYARD_DEPLOY_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings: those of the file, and over them those of the environment.
 *
 * @param file undefined: {@link SETTINGS_FILE}, if it is there
 * @param unsaid what counts where neither says anything
 * @throws {Failure} that names the setting, where it came from and what it must be
 */
export function readSettings(
  file: string | undefined,
  env: Variables,
  unsaid: Partial<Given> = {},
): DeploySettings {
  const given = { ...unsaid, ...ofFile(file), ...ofEnvironment(env) };
  const result = validate(given);
  if (!result.ok) throw usageFault(faultText(result.faults[0], given));
  const { value } = result;
  const { billingAccount, monthlyBudgetUsd } = value;
  if ((billingAccount === undefined) !== (monthlyBudgetUsd === undefined)) {
    throw usageFault("billingAccount and monthlyBudgetUsd must be said together, or neither.");
  }
  const region = value.region ?? "us-central1";
  return {
    region,
    buildRegion: region,
    modelKeySecret: "anthropic-api-key",
    // Of the machine that a run gets which names none: without slots of it that would wait for
    // ever.
    slots: { [resolveAgent().machineType]: 10 },
    logDays: 30,
    alertEmails: [],
    minInstances: 0,
    telemetry: false,
    environment: {},
    ...value,
  };
}

function ofFile(file: string | undefined): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file ?? SETTINGS_FILE, "utf8");
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw usageFault(`${file ?? SETTINGS_FILE} cannot be read: ${systemReason(error)}`, error);
  }
  const content = parsedJson(text);
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw usageFault(`${file ?? SETTINGS_FILE} must be one JSON object of settings.`);
}

/** A variable's text where the setting is text, else its JSON. */
function ofEnvironment(env: Variables): Record<string, unknown> {
  const names = Object.keys(Settings.properties) as (keyof Given)[];
  const set = names.flatMap((name) => {
    const text = env[variableOf(name)];
    if (!text) return [];
    const isText = "pattern" in Settings.properties[name];
    return [[name, isText ? text : (parsedJson(text) ?? text)] as const];
  });
  return Object.fromEntries(set);
}

function faultText(fault: { pointer: string; detail: string } | undefined, given: object): string {
  const [, name = ""] = (fault?.pointer ?? "").split("/");
  const setting = name || (Object.keys(REMEDIES).find((known) => required(known, given)) ?? "");
  const remedy = REMEDIES[setting];
  if (remedy === undefined) {
    const known = Object.keys(REMEDIES).join(", ");
    return `There is no setting ${setting || fault?.detail}; the settings are ${known}.`;
  }
  const state = setting in given ? "is not as it must be" : "is missing";
  return `The setting ${setting} ${state}: ${remedy}. Say it in ${SETTINGS_FILE} or as ${variableOf(setting)}.`;
}

const required = (name: string, given: object): boolean =>
  (Settings.required as readonly string[]).includes(name) && !(name in given);
