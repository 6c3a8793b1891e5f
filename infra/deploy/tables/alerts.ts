import { TOPICS } from "../../../shared/names.ts";

/** A figure over time. */
export interface ChartRow {
  name: string;
  /** Of Cloud Monitoring. */
  filter: string;
  aligner: "ALIGN_MAX" | "ALIGN_MEAN" | "ALIGN_DELTA";
}

/** What somebody is told of, when it lasts. */
export interface AlertRow extends ChartRow {
  /** What it means, and what is done about it, as the mail says it. */
  meaning: string;
  above: number;
  forSeconds: number;
}

const subscription = (metric: string, topic: string): string =>
  `resource.type = "pubsub_subscription" AND metric.type = "pubsub.googleapis.com/subscription/${metric}" AND resource.labels.subscription_id = "${topic}"`;

/** Lines of our functions that are counted, by the name of the metric that counts them. */
export const LOG_METRICS = {
  "runyard-errors":
    'resource.type="cloud_run_revision" AND resource.labels.service_name:"runyard-" AND severity>=ERROR',
  "runyard-stuck-runs":
    'resource.type="cloud_run_revision" AND resource.labels.service_name="runyard-sweep" AND severity>=ERROR AND jsonPayload.message:"sweep: "',
} as const;

const lines = (metric: keyof typeof LOG_METRICS): string =>
  `resource.type = "cloud_run_revision" AND metric.type = "logging.googleapis.com/user/${metric}"`;

/** Alerts; that on spending is the budget's. */
export const ALERTS: readonly AlertRow[] = [
  {
    name: "Messages wait too long",
    meaning:
      "The oldest message of run-requests is five minutes old: submit-build fails or is not called.",
    filter: subscription("oldest_unacked_message_age", TOPICS.runRequests),
    aligner: "ALIGN_MAX",
    above: 300,
    forSeconds: 300,
  },
  {
    name: "Builds' ends wait too long",
    meaning:
      "The oldest message of cloud-builds is five minutes old: record-build-status fails or is not called.",
    filter: subscription("oldest_unacked_message_age", TOPICS.cloudBuilds),
    aligner: "ALIGN_MAX",
    above: 300,
    forSeconds: 300,
  },
  {
    name: "Dead letters",
    meaning: "A message was given up. It is in the collection deadLetters, with its reason.",
    filter: `resource.type = "pubsub_topic" AND metric.type = "pubsub.googleapis.com/topic/send_request_count" AND resource.labels.topic_id = "${TOPICS.deadLetters}"`,
    aligner: "ALIGN_DELTA",
    above: 0,
    forSeconds: 0,
  },
  {
    name: "Runs are stuck",
    meaning: "The sweep could not visit what is due; its log says which runs, and why.",
    filter: lines("runyard-stuck-runs"),
    aligner: "ALIGN_DELTA",
    above: 0,
    forSeconds: 600,
  },
  {
    name: "Errors",
    meaning: "The functions write errors; the log says which.",
    filter: lines("runyard-errors"),
    aligner: "ALIGN_DELTA",
    above: 10,
    forSeconds: 300,
  },
];

/**
 * What is charted where functions tell of metrics; nobody is told of it.
 *
 * @see https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics
 */
export const TOLD_CHARTS: readonly ChartRow[] = [
  {
    name: "Runs that wait, by what for",
    filter:
      'resource.type = "prometheus_target" AND metric.type = "prometheus.googleapis.com/runyard.runs.waiting/gauge"',
    aligner: "ALIGN_MAX",
  },
];

/** Shares of the budget at which its alert comes. */
export const BUDGET_SHARES = [0.5, 0.9, 1];
