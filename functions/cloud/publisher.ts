import { PubSub, type Topic } from "@google-cloud/pubsub";
import { TOPICS } from "../../shared/names.ts";
import { refusing } from "./google-error.ts";

/** The message on `run-requests`: an attempt that wants to be submitted. */
export interface AttemptMessage {
  runId: string;
  attempt: number;
}

/** Publishes attempts to `run-requests`. */
export class Publisher {
  readonly #topic: Topic;

  /** `PUBSUB_EMULATOR_HOST` is honoured by the client. */
  constructor({ projectId }: { projectId: string }) {
    // One message a request: waiting for others to fill a batch costs each caller 10 ms.
    this.#topic = new PubSub({ projectId }).topic(TOPICS.runRequests, {
      batching: { maxMessages: 1 },
    });
  }

  /** Resolves once Pub/Sub has the message. */
  async publishAttempt(message: AttemptMessage): Promise<void> {
    await refusing("Pub/Sub", () => this.#topic.publishMessage({ json: message }));
  }
}
