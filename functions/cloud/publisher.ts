import { PubSub, type Topic } from "@google-cloud/pubsub";
import type { Clock } from "../../shared/clock.ts";
import { TOPICS } from "../../shared/names.ts";
import type { AttemptMessage, Publisher } from "../services/builds.ts";
import { type Calling, calling } from "./google-error.ts";

/** Publishes to a topic of Pub/Sub. */
export class PubsubPublisher implements Publisher {
  readonly #topic: Pick<Topic, "publishMessage">;
  readonly #call: Calling;

  constructor(topic: Pick<Topic, "publishMessage">, timers: Pick<Clock, "after">) {
    this.#topic = topic;
    this.#call = calling("Pub/Sub", timers);
  }

  async publishAttempt(message: AttemptMessage): Promise<void> {
    await this.#call(() => this.#topic.publishMessage({ json: message }));
  }
}

/** The topic of attempts. `PUBSUB_EMULATOR_HOST` is honoured by the client. */
export function openRunRequests({ projectId }: { projectId: string }): Topic {
  // One message a request: waiting for others to fill a batch costs each caller 10 ms.
  return new PubSub({ projectId }).topic(TOPICS.runRequests, { batching: { maxMessages: 1 } });
}
