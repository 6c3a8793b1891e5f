import { PubSub, type Topic } from "@google-cloud/pubsub";
import type { Clock } from "../../shared/clock.ts";
import type { EventMessage } from "../../shared/documents/status-event.ts";
import { TOPICS, TRACE_ATTRIBUTE } from "../../shared/names.ts";
import type { TraceContext } from "../../shared/run/trace.ts";
import type { Fires } from "../../shared/triggers/fires.ts";
import type {
  AdmissionMessage,
  AttemptMessage,
  DeliveryMessage,
  OpeningMessage,
  Publisher,
  RefusedMessage,
  RunDeliveryMessage,
} from "../services/builds.ts";
import type { Telemetry } from "../services/telemetry.ts";
import { type Calling, calling } from "./google-error.ts";

/** The topics that the functions publish to. */
export interface Topics {
  runRequests: Pick<Topic, "publishMessage">;
  runEvents: Pick<Topic, "publishMessage">;
  runDeliveries: Pick<Topic, "publishMessage">;
  webhookDeliveries: Pick<Topic, "publishMessage">;
  triggerFires: Pick<Topic, "publishMessage">;
  deadLetters: Pick<Topic, "publishMessage">;
}

/** Publishes to Pub/Sub. */
export class PubsubPublisher implements Publisher {
  readonly #topics: Topics;
  readonly #call: Calling;
  readonly #telemetry: Telemetry;

  constructor(
    topics: Topics,
    { timers, telemetry }: { timers: Pick<Clock, "after">; telemetry: Telemetry },
  ) {
    this.#topics = topics;
    this.#call = calling("Pub/Sub", timers);
    this.#telemetry = telemetry;
  }

  async publishAttempt(message: AttemptMessage, trace: TraceContext | null): Promise<void> {
    const span = {
      name: `publish ${TOPICS.runRequests}`,
      kind: "producer",
      parent: trace,
      facts: { "runyard.run.id": message.runId, "runyard.attempt": message.attempt },
    } as const;
    await this.#telemetry.within(span, (context) =>
      this.#call(() =>
        this.#topics.runRequests.publishMessage({
          json: message,
          ...(context !== null && { attributes: { [TRACE_ATTRIBUTE]: context } }),
        }),
      ),
    );
  }

  async publishAdmission(message: AdmissionMessage): Promise<void> {
    await this.#call(() => this.#topics.runRequests.publishMessage({ json: message }));
  }

  async publishEvent(message: EventMessage): Promise<void> {
    await this.#call(() => this.#topics.runEvents.publishMessage(message));
  }

  async publishRunDelivery(message: RunDeliveryMessage | OpeningMessage): Promise<void> {
    await this.#call(() => this.#topics.runDeliveries.publishMessage({ json: message }));
  }

  async publishDelivery(message: DeliveryMessage): Promise<void> {
    await this.#call(() => this.#topics.webhookDeliveries.publishMessage({ json: message }));
  }

  async publishFires(message: Fires): Promise<void> {
    await this.#call(() => this.#topics.triggerFires.publishMessage({ json: message }));
  }

  async publishDeadLetter({ data, ...attributes }: RefusedMessage): Promise<void> {
    await this.#call(() => this.#topics.deadLetters.publishMessage({ data, attributes }));
  }
}

/** `PUBSUB_EMULATOR_HOST` is honoured by the client. */
export function openTopics({ projectId }: { projectId: string }): Topics {
  const pubsub = new PubSub({ projectId });
  // One message a request: waiting for others to fill a batch costs each caller 10 ms.
  const options = { batching: { maxMessages: 1 } };
  return {
    runRequests: pubsub.topic(TOPICS.runRequests, options),
    runEvents: pubsub.topic(TOPICS.runEvents, options),
    runDeliveries: pubsub.topic(TOPICS.runDeliveries, options),
    webhookDeliveries: pubsub.topic(TOPICS.webhookDeliveries, options),
    triggerFires: pubsub.topic(TOPICS.triggerFires, options),
    deadLetters: pubsub.topic(TOPICS.deadLetters, options),
  };
}
