import { Readable } from "node:stream";
import type { Request, Response } from "express";
import { deliver } from "../../../functions/attempts/deliver.ts";
import { deliverWebhook } from "../../../functions/events/deliver-webhook.ts";
import { receiveEvent } from "../../../functions/events/receive-event.ts";
import { hookApp } from "../../../functions/hooks/receive-hook.ts";
import type { Expressions } from "../../../functions/services/expressions.ts";
import type { Services } from "../../../functions/services/services.ts";
import { pubsubTrigger } from "../../../functions/trigger.ts";
import { decide } from "../../../functions/triggers/expressions/cel.ts";
import { render } from "../../../functions/triggers/expressions/template.ts";
import type { StoredDocument } from "../../../infra/emulators/firestore/document.ts";
import type { DeliveryRecord } from "../../../shared/documents/delivery.ts";
import type { Run } from "../../../shared/documents/run.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { Firing } from "../../../shared/triggers/trigger.ts";
import type { Delivery } from "../world/delivery.ts";
import { decoded } from "../world/fields.ts";
import { type EventTopicName, PROJECT, type WorldOptions } from "../world/options.ts";
import type { Process } from "../world/process.ts";
import { answerOf } from "../world/surroundings.ts";
import { World } from "../world/world.ts";
import { GithubInMemory, type Receiver } from "./outside.ts";

/** Everybody may have every event; ann's runs may be delivered to one repository. */
const ENV = {
  RUNYARD_EVENT_GRANTS: '[{"source":"*","type":"*","owners":["*"]}]',
  RUNYARD_SEAL_KEYS: Buffer.alloc(32, 7).toString("base64"),
  RUNYARD_GITHUB_APP_ID: "4711",
  RUNYARD_GITHUB_URL: "https://git.example",
  RUNYARD_GITHUB_REPOSITORIES: '{"ann":["more/*"]}',
};

/** For how long the sender of a hook waits for an answer, as GitHub does. */
const SENDER_PATIENCE_MS = 10_000;

/** Evaluates where it stands: a thread of its own would be in no virtual time. */
const EXPRESSIONS: Expressions = {
  faults: async () => [],
  over: (event) => ({
    evaluate: async (of) => {
      const decision = decide(of, event);
      return decision.matches ? { ...decision, prompt: render(of.prompt, event) } : decision;
    },
  }),
};

/** A world in which events come in and go out, too: by the functions that do that. */
export class EventsWorld extends World {
  /** Who is told, by the addresses of their webhooks. */
  readonly receivers = new Map<string, Receiver>();
  readonly github = new GithubInMemory();
  /** Whether something is awaited for which sweeps must go on. */
  isAwaited = false;
  readonly #topics: Record<EventTopicName, readonly Delivery[]>;

  constructor(options: WorldOptions) {
    super({ ...options, env: { ...ENV, ...options.env } });
    const pushed = (topic: EventTopicName) =>
      this.subscribe(topic, "receiveEvent", ({ services }, body) => {
        this.note(() => `receiveEvent is given ${body.toString().slice(0, 200)}`);
        const headers = { "content-type": "application/json" };
        const path = `/projects/${PROJECT}/topics/${topic}`;
        return receiveEvent(services, { path, headers, body });
      });
    const triggered = (topic: EventTopicName, name: string, handle: Handle) =>
      this.subscribe(topic, name, ({ services }, body) => {
        this.note(() => `${name} is given ${body.toString().slice(0, 200)}`);
        return pubsubTrigger(services, name, handle)({ data: JSON.parse(`${body}`) } as never);
      });
    const told: Handle = (services, data, { attributes }) =>
      deliverWebhook(services, { data, attributes });
    this.#topics = {
      "trigger-events": [pushed("trigger-events")],
      "trigger-fires": [pushed("trigger-fires")],
      "run-events": [pushed("run-events"), triggered("run-events", "deliverWebhook", told)],
      "webhook-deliveries": [triggered("webhook-deliveries", "deliverWebhook", told)],
      "run-deliveries": [triggered("run-deliveries", "deliver", deliver)],
    };
  }

  protected override furnished(services: Services, process: Process): Services {
    return {
      ...services,
      expressions: EXPRESSIONS,
      repositoryHost: this.github.hostOf(process, services.repositoryHost),
      webhookSender: {
        post: async (request) => {
          const receiver = this.receivers.get(request.url);
          if (receiver === undefined) throw new Error(`nobody is at ${request.url}`);
          return receiver.post(process, request);
        },
      },
    };
  }

  /** What somebody publishes: as its subscriptions push it. */
  publish(topic: EventTopicName, data: Buffer, attributes: Record<string, string> = {}): void {
    const message = { data: data.toString("base64"), attributes, messageId: "1" };
    const body = Buffer.from(JSON.stringify({ message, subscription: topic }));
    const isEnd = attributes["done"] === "true";
    for (const [nth, subscription] of this.#topics[topic].entries()) {
      // That of receiveEvent is filtered.
      if (topic !== "run-events" || nth > 0 || isEnd) subscription.publish(body);
    }
  }

  protected override published(
    topic: string,
    data: Buffer,
    attributes: Record<string, string>,
  ): void {
    // What is told of a webhook is none of a run's changes.
    if (attributes["ce-subject"]?.startsWith("run_") !== false) {
      super.published(topic, data, attributes);
    }
    if (topic in this.#topics) this.publish(topic as EventTopicName, data, attributes);
  }

  /** Messages of events that were given up. */
  get deadEvents(): Buffer[] {
    return Object.values(this.#topics).flatMap((all) =>
      all.flatMap(({ deadLetters }) => deadLetters),
    );
  }

  protected override isDelivering(): boolean {
    const all = Object.values(this.#topics).flat();
    return this.isAwaited || super.isDelivering() || all.some(({ open }) => open > 0);
  }

  override isAtRest(): boolean {
    if (!super.isAtRest()) return false;
    if (this.documents<DeliveryRecord>("deliveries").some(({ dueAt }) => dueAt !== null)) {
      return false;
    }
    const owes = ({ state }: RunRecord) => (state.delivery?.dueAt ?? null) !== null;
    return ![...this.witness.records.values()].some(owes);
  }

  /** Every document of a collection. */
  documents<T>(collection: string): T[] {
    return this.database.collection(collection).map((one: StoredDocument) => decoded(one) as T);
  }

  /** What is kept for so many days is gone. */
  erase(collection: string): void {
    const names = this.database.collection(collection).map(({ name }) => name.name);
    this.database.commit(names.map((name) => ({ delete: name })));
  }

  /** The runs that a trigger has started. */
  runsOf(triggerId: string): Run[] {
    const all = [...this.witness.records.values()];
    return all.flatMap(({ run, state }) => (state.origin?.triggerId === triggerId ? [run] : []));
  }

  firingsOf(triggerId: string): Firing[] {
    return this.documents<Firing>("firings").filter((firing) => firing.triggerId === triggerId);
  }

  /** @returns the answer's status; undefined: there was none in time */
  postToHook(
    id: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<number | undefined> {
    const { process, services } = this.open("receiveHook");
    const waiting = { process, time: this.time, patienceMs: SENDER_PATIENCE_MS };
    return answerOf<number>(waiting, (answered) => {
      const request = Object.assign(Readable.from([body]), {
        ...{ method: "POST", path: `/v1/hooks/${id}`, socket: {} },
        headers: { ...headers, "content-length": String(body.length) },
      });
      const app = hookApp(services, { forwardedHops: 0 });
      app(request as unknown as Request, answering(answered));
    });
  }
}

type Handle = Parameters<typeof pubsubTrigger>[2];

/** A response, of which nothing but the status matters. */
function answering(answered: (status: number) => void): Response {
  let status = 200;
  const end = () => answered(status);
  const response = {
    headersSent: false,
    once: () => response,
    set: () => response,
    status(code: number) {
      status = code;
      return response;
    },
    json: end,
    end,
  };
  return response as unknown as Response;
}
