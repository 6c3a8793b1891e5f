import { planOf } from "../../infra/deploy/plan/plan.ts";
import type { Resource } from "../../infra/deploy/resource.ts";
import { type DeploySettings, readSettings } from "../../infra/deploy/settings.ts";

const image = (name: string) =>
  `us-docker.pkg.dev/my-project/runyard/${name}@sha256:${"a".repeat(64)}`;

/** Settings with everything said that can be. */
export const DEPLOYED: DeploySettings & { projectNumber: string } = {
  ...readSettings(undefined, {
    RUNYARD_DEPLOY_PROJECT: "my-project",
    RUNYARD_DEPLOY_IMAGE: image("functions"),
    RUNYARD_DEPLOY_RUNNER_IMAGE: image("agent"),
    RUNYARD_DEPLOY_GITHUB_KEY_SECRET: "github-app-key",
    RUNYARD_DEPLOY_OUTPUT_DAYS: "90",
    RUNYARD_DEPLOY_ALERT_EMAILS: '["ops@example.com"]',
    RUNYARD_DEPLOY_BILLING_ACCOUNT: "012345-ABCDEF-012345",
    RUNYARD_DEPLOY_MONTHLY_BUDGET_USD: "100",
    RUNYARD_DEPLOY_TELEMETRY: "true",
    RUNYARD_DEPLOY_ENVIRONMENT: '{"RUNYARD_MAX_WAITING": "500"}',
  }),
  projectNumber: "123456789012",
};

export const deployedPlan = (): Resource[] => planOf(DEPLOYED);
