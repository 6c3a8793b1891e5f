import { FUNCTIONS } from "../names.ts";
import type { DeploySettings } from "../settings.ts";
import type { Grant } from "./grant.ts";
import { GRANTS } from "./grants.ts";
import { METRICS_WRITER, SECRET_ACCESSOR, TRACES_WRITER } from "./roles.ts";

const TELEMETRY_PAGE = "https://cloud.google.com/iam/docs/roles-permissions/telemetry";

/** What is given where functions tell Google of spans and metrics. */
const TELEMETRY_GRANTS: readonly Grant[] = FUNCTIONS.flatMap((principal) => {
  const on = { kind: "project" } as const;
  const googles = TELEMETRY_PAGE;
  return [
    { principal, role: TRACES_WRITER, on, why: "tells of a run's spans", googles },
    { principal, role: METRICS_WRITER, on, why: "tells how much happens", googles },
  ];
});

const MOUNTED_PAGE = "https://cloud.google.com/run/docs/configuring/services/secrets";

/** The settings that name secrets of the GitHub App. */
type AppSecrets = Pick<DeploySettings, "githubKeySecret" | "githubHookKeySecret">;

/** A secret of the GitHub App that one function gets as a variable, and nobody else. */
interface AppSecret {
  setting: keyof AppSecrets;
  variable: string;
  grant: Grant;
}

const APP_SECRETS: readonly AppSecret[] = [
  {
    setting: "githubKeySecret",
    variable: "RUNYARD_GITHUB_PRIVATE_KEY",
    grant: {
      principal: "deliver",
      role: SECRET_ACCESSOR,
      on: { kind: "appKey" },
      why: "delivers runs as the GitHub App",
      googles: MOUNTED_PAGE,
    },
  },
  {
    setting: "githubHookKeySecret",
    variable: "RUNYARD_GITHUB_HOOK_KEY",
    grant: {
      principal: "receiveHook",
      role: SECRET_ACCESSOR,
      on: { kind: "hookKey" },
      why: "knows by it that GitHub posted what says so",
      googles: MOUNTED_PAGE,
    },
  },
];

/** Those that a deployment has, each with its id. */
export const appSecretsOf = (settings: AppSecrets): (AppSecret & { secret: string })[] =>
  APP_SECRETS.flatMap((one) => {
    const secret = settings[one.setting];
    return secret === undefined ? [] : [{ ...one, secret }];
  });

/** Everything that a deployment gives to anybody; there is nothing else. */
export const grantsOf = (
  settings: Pick<DeploySettings, "telemetry"> & AppSecrets,
): readonly Grant[] => [
  ...GRANTS,
  ...(settings.telemetry ? TELEMETRY_GRANTS : []),
  ...appSecretsOf(settings).map(({ grant }) => grant),
];
