import { STREAMS, TIMING } from "../../../shared/limits.ts";
import type { FunctionName } from "../names.ts";

/** How a function runs on Cloud Run. */
export interface ServiceRow {
  cpu: string;
  memory: string;
  /** Requests that an instance takes at once; more than one needs a whole CPU. */
  concurrency: number;
  maxInstances: number;
  timeoutSeconds: number;
  /**
   * Who reaches it: anybody on the internet, or what is within the project and Google's own
   * services.
   */
  ingress: "INGRESS_TRAFFIC_ALL" | "INGRESS_TRAFFIC_INTERNAL_ONLY";
}

const INTERNAL = "INGRESS_TRAFFIC_INTERNAL_ONLY";

/** A handler has its budget, and ends before Pub/Sub takes it for lost. */
const pushed = (memory: string, maxInstances: number): ServiceRow => ({
  cpu: "1",
  memory,
  concurrency: 20,
  maxInstances,
  timeoutSeconds: TIMING.ackDeadline - 5,
  ingress: INTERNAL,
});

/** Every function, and what it runs on. */
export const SERVICES: Readonly<Record<FunctionName, ServiceRow>> = {
  api: {
    cpu: "1",
    memory: "1Gi",
    concurrency: 80,
    maxInstances: 20,
    // A stream of events ends by itself before.
    timeoutSeconds: STREAMS.eventStreamSeconds + 60,
    ingress: "INGRESS_TRAFFIC_ALL",
  },
  // Eight bodies of 25 MiB, one of which is parsed at a time.
  receiveHook: {
    cpu: "1",
    memory: "1Gi",
    concurrency: 8,
    maxInstances: 20,
    timeoutSeconds: 60,
    ingress: "INGRESS_TRAFFIC_ALL",
  },
  submitBuild: pushed("512Mi", 20),
  recordBuildStatus: pushed("512Mi", 20),
  // A delivery's files are in memory, several times.
  deliver: { ...pushed("1Gi", 5), concurrency: 4 },
  // Its requests to endpoints take up to 15 seconds, of which it waits for nearly all.
  deliverWebhook: pushed("512Mi", 20),
  // A page of triggers is asked side by side, in threads beside the one that answers.
  receiveEvent: pushed("1Gi", 20),
  keepDeadLetter: pushed("512Mi", 2),
  // Two at once share the work.
  sweep: { ...pushed("512Mi", 2), concurrency: 2, timeoutSeconds: 2 * TIMING.sweepInterval },
};

/** Google's services that a project must have on, by the API's name. */
export const APIS = [
  "artifactregistry",
  "billingbudgets",
  "cloudbuild",
  "cloudscheduler",
  "firebaserules",
  "firestore",
  "iam",
  "iamcredentials",
  "logging",
  "monitoring",
  "pubsub",
  "run",
  "secretmanager",
  "storage",
].map((name) => `${name}.googleapis.com`);

/** The same where functions tell of spans and metrics: Google's receiver of OTLP. */
export const TELEMETRY_API = "telemetry.googleapis.com";
