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

/** What is given where runs are delivered: nobody else has the key of the GitHub App. */
export const APP_KEY_GRANT: Grant = {
  principal: "deliver",
  role: SECRET_ACCESSOR,
  on: { kind: "appKey" },
  why: "delivers runs as the GitHub App",
  googles: "https://cloud.google.com/run/docs/configuring/services/secrets",
};

/** Everything that a deployment gives to anybody; there is nothing else. */
export const grantsOf = ({
  telemetry,
  githubKeySecret,
}: Pick<DeploySettings, "telemetry" | "githubKeySecret">): readonly Grant[] => [
  ...GRANTS,
  ...(telemetry ? TELEMETRY_GRANTS : []),
  ...(githubKeySecret === undefined ? [] : [APP_KEY_GRANT]),
];
