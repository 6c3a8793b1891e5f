import { FUNCTIONS } from "../names.ts";
import type { DeploySettings } from "../settings.ts";
import type { Grant } from "./grant.ts";
import { GRANTS } from "./grants.ts";
import { METRICS_WRITER, TRACES_WRITER } from "./roles.ts";

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

/** Everything that a deployment gives to anybody; there is nothing else. */
export const grantsOf = ({ telemetry }: Pick<DeploySettings, "telemetry">): readonly Grant[] =>
  telemetry ? [...GRANTS, ...TELEMETRY_GRANTS] : GRANTS;
