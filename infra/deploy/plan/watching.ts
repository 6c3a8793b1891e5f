import type { Argument, Resource } from "../resource.ts";
import {
  ALERTS,
  type AlertRow,
  BUDGET_SHARES,
  type ChartRow,
  LOG_METRICS,
  TOLD_CHARTS,
} from "../tables/alerts.ts";
import type { Stack } from "./stack.ts";

/** What is counted, who is told of what, the dashboard, and the budget. */
export const watchingResources = (stack: Stack): Resource[] => [
  ...metricResources(stack),
  ...channelResources(stack),
  ...ALERTS.map((alert) => alertOf(stack, alert)),
  dashboard(stack),
  ...budgetResources(stack),
];

const metricResources = ({ settings: { project } }: Stack): Resource[] =>
  Object.entries(LOG_METRICS).map(([name, filter]) => ({
    name: `metric-${name}`,
    type: "logging.Metric",
    args: { project, name, filter, metricDescriptor: { metricKind: "DELTA", valueType: "INT64" } },
    after: ["api-logging"],
  }));

const channelName = (email: string): string => `channel-${email}`;

const channelResources = ({ settings: { project, alertEmails } }: Stack): Resource[] =>
  alertEmails.map((email) => ({
    name: channelName(email),
    type: "monitoring.NotificationChannel",
    args: { project, type: "email", displayName: email, labels: { email_address: email } },
    after: ["api-monitoring"],
  }));

const channels = ({ settings: { alertEmails } }: Stack): Argument[] =>
  alertEmails.map((email) => ({ ref: channelName(email), output: "name" }));

function alertOf(stack: Stack, alert: AlertRow): Resource {
  const { name, meaning, filter, aligner, above, forSeconds } = alert;
  return {
    name: `alert-${name.toLowerCase().replace(/\W+/g, "-")}`,
    type: "monitoring.AlertPolicy",
    args: {
      project: stack.settings.project,
      displayName: `Runyard: ${name}`,
      combiner: "OR",
      documentation: { content: meaning, mimeType: "text/markdown" },
      conditions: [
        {
          displayName: name,
          conditionThreshold: {
            filter,
            comparison: "COMPARISON_GT",
            thresholdValue: above,
            duration: `${forSeconds}s`,
            aggregations: [{ alignmentPeriod: "300s", perSeriesAligner: aligner }],
          },
        },
      ],
      notificationChannels: channels(stack),
    },
    after: ["api-monitoring", ...Object.keys(LOG_METRICS).map((metric) => `metric-${metric}`)],
  };
}

/** Each alert's figure as a chart, and what else is told, two in a row. */
function dashboard({ settings: { project, telemetry } }: Stack): Resource {
  const charts: readonly ChartRow[] = telemetry ? [...ALERTS, ...TOLD_CHARTS] : ALERTS;
  const widgets = charts.map(({ name, filter, aligner }) => ({
    title: name,
    xyChart: {
      dataSets: [
        {
          timeSeriesQuery: {
            timeSeriesFilter: {
              filter,
              aggregation: { alignmentPeriod: "300s", perSeriesAligner: aligner },
            },
          },
        },
      ],
    },
  }));
  const dashboardJson = JSON.stringify({
    displayName: "Runyard",
    gridLayout: { columns: "2", widgets },
  });
  return {
    name: "dashboard",
    type: "monitoring.Dashboard",
    args: { project, dashboardJson },
    after: ["api-monitoring", ...Object.keys(LOG_METRICS).map((metric) => `metric-${metric}`)],
  };
}

function budgetResources({ settings }: Stack): Resource[] {
  const { billingAccount, monthlyBudgetUsd, project, projectNumber } = settings;
  if (billingAccount === undefined || monthlyBudgetUsd === undefined) return [];
  return [
    {
      name: "budget",
      type: "billing.Budget",
      args: {
        billingAccount,
        displayName: `Runyard in ${project}`,
        budgetFilter: { projects: [`projects/${projectNumber}`] },
        amount: { specifiedAmount: { currencyCode: "USD", units: String(monthlyBudgetUsd) } },
        thresholdRules: BUDGET_SHARES.map((thresholdPercent) => ({ thresholdPercent })),
      },
      after: ["api-billingbudgets"],
    },
  ];
}
