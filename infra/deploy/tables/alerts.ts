import { PUSHES, type Pushed, TOPICS } from "../../../shared/names.ts";

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

/**
 * Whether the oldest message of a subscription that is pushed to a function waits too long: of each
 * subscription by itself, so it says as much as its backlog does, whatever the load.
 *
 * @see https://cloud.google.com/pubsub/docs/monitoring#monitor_the_backlog
 */
function waiting(target: Pushed["target"]): Omit<AlertRow, "name" | "meaning"> {
  const ids = PUSHES.filter((pushed) => pushed.target === target).map(
    ({ subscription }) => `"${subscription}"`,
  );
  const of = ids.length === 1 ? ids[0] : `one_of(${ids.join(", ")})`;
  return {
    filter: `resource.type = "pubsub_subscription" AND metric.type = "pubsub.googleapis.com/subscription/oldest_unacked_message_age" AND resource.labels.subscription_id = ${of}`,
    aligner: "ALIGN_MAX",
    above: 300,
    forSeconds: 300,
  };
}

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
    ...waiting("submitBuild"),
  },
  {
    name: "Builds' ends wait too long",
    meaning:
      "The oldest message of cloud-builds is five minutes old: record-build-status fails or is not called.",
    ...waiting("recordBuildStatus"),
  },
  {
    name: "Events wait too long",
    meaning:
      "The oldest message of trigger-events, trigger-fires or run-ends is five minutes old: receive-event fails or is not called.",
    ...waiting("receiveEvent"),
  },
  {
    name: "Webhooks wait too long",
    meaning:
      "The oldest message of run-events or webhook-deliveries is five minutes old: deliver-webhook fails or is not called. No endpoint does this: one that fails is acknowledged.",
    ...waiting("deliverWebhook"),
  },
  {
    name: "Pull requests wait too long",
    meaning:
      "The oldest message of run-deliveries is five minutes old: deliver fails or is not called.",
    ...waiting("deliver"),
  },
  {
    name: "Dead letters wait too long",
    meaning:
      "The oldest message of dead-letters is five minutes old: keep-dead-letter fails or is not called. After seven days it is lost.",
    ...waiting("keepDeadLetter"),
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
