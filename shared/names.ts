/** Names that the functions, whoever sets them up and whoever looks after them have in common. */

/** Topics of Pub/Sub. Cloud Build publishes to `cloud-builds`, and to no other name. */
export const TOPICS = {
  runRequests: "run-requests",
  cloudBuilds: "cloud-builds",
  /** Each change of status of each run, for whoever subscribes. */
  runEvents: "run-events",
  /** Finished runs whose changes are to be delivered to their repositories. */
  runDeliveries: "run-deliveries",
  /** Attempts to deliver to a webhook. */
  webhookDeliveries: "webhook-deliveries",
  /** What happens elsewhere, as CloudEvents or plain messages: it may start runs. */
  triggerEvents: "trigger-events",
  /** Events with the triggers that they may start runs at; our own functions alone publish. */
  triggerFires: "trigger-fires",
  /** What no function could handle. */
  deadLetters: "dead-letters",
} as const;

/** The attribute in which Pub/Sub's own clients have a message's trace. */
export const TRACE_ATTRIBUTE = "googclient_traceparent";

/** The header of the answer to a build's report that says in how many seconds the next is wanted. */
export const REPORT_AFTER = "Report-After";

/** The function that each topic's messages are pushed to, by the topic's name; one may have two. */
export const PUSH_TARGETS = {
  [TOPICS.runRequests]: "submitBuild",
  [TOPICS.cloudBuilds]: "recordBuildStatus",
  [TOPICS.runDeliveries]: "deliver",
  [TOPICS.runEvents]: "deliverWebhook",
  [TOPICS.webhookDeliveries]: "deliverWebhook",
  [TOPICS.triggerEvents]: "receiveEvent",
  [TOPICS.triggerFires]: "receiveEvent",
  [TOPICS.deadLetters]: "keepDeadLetter",
} as const;

/** Each function that messages are pushed to. */
export const PUSHED_FUNCTIONS = [...new Set(Object.values(PUSH_TARGETS))];

/** A subscription that pushes a topic's messages to a function; of the topic's name, but for some. */
export interface Pushed {
  subscription: string;
  topic: string;
  target: (typeof PUSHED_FUNCTIONS)[number];
  /** Of attributes, in Pub/Sub's own language: which messages it has. Absent: each. */
  filter?: string;
}

/** Every push subscription. */
export const PUSHES: readonly Pushed[] = [
  ...Object.entries(PUSH_TARGETS).map(([topic, target]) => ({
    subscription: topic,
    topic,
    target,
  })),
  {
    subscription: "run-ends",
    topic: TOPICS.runEvents,
    target: "receiveEvent",
    filter: 'attributes.done = "true"',
  },
];

/** Collections of Firestore; `events` and `versions` are below a document of another. */
export const COLLECTIONS = {
  runs: "runs",
  events: "events",
  runStates: "runState",
  runRequests: "runRequests",
  conversations: "conversations",
  agents: "agents",
  versions: "versions",
  keys: "keys",
  owners: "owners",
  spending: "spending",
  usage: "usage",
  erasedRuns: "erasedRuns",
  targets: "targets",
  slots: "slots",
  buckets: "buckets",
  lines: "lines",
  deadLetters: "deadLetters",
  triggers: "triggers",
  firings: "firings",
  triggerCounts: "triggerCounts",
  triggerLanes: "triggerLanes",
  webhooks: "webhooks",
  deliveries: "deliveries",
} as const;
