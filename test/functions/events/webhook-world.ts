import { deliverWebhook } from "../../../functions/events/deliver-webhook.ts";
import { HttpsWebhookSender } from "../../../functions/events/https-webhook-sender.ts";
import type { DeliveryMessage } from "../../../functions/services/builds.ts";
import type { Services } from "../../../functions/services/services.ts";
import type { DeliveryRecord } from "../../../shared/documents/delivery.ts";
import type { RunStatus } from "../../../shared/documents/run.ts";
import { type EventMessage, statusEvent } from "../../../shared/documents/status-event.ts";
import type { WebhookRecord } from "../../../shared/documents/webhook.ts";
import { webhookNetsOf } from "../../../shared/events/target.ts";
import { type ApiServer, startApiServer } from "../../support/api-server.ts";
import { makeRun } from "../../support/make-run.ts";
import { startEndpoint } from "./endpoint.ts";

/** Runs of another owner do not disturb a test's. */
let owners = 0;

/** The API and deliverWebhook on one stand-in, with an endpoint; messages go where tests say. */
export async function startWebhookWorld() {
  const stack = new AsyncDisposableStack();
  const nets = webhookNetsOf("127.0.0.0/8:*");
  const asked: DeliveryMessage[] = [];
  const told: EventMessage[] = [];
  const server: ApiServer = stack.use(await startApiServer());
  const { publisher } = server.pipeline.services;
  const services: Services = {
    ...server.pipeline.services,
    webhookSender: new HttpsWebhookSender({ nets, connectSeconds: 1, wholeSeconds: 0.4 }),
    publisher: {
      publishAttempt: (message, trace) => publisher.publishAttempt(message, trace),
      publishAdmission: (message) => publisher.publishAdmission(message),
      publishDeadLetter: (message) => publisher.publishDeadLetter(message),
      publishEvent: async (message) => void told.push(message),
      publishDelivery: async (message) => void asked.push(message),
      publishFires: () => Promise.reject(new Error("not asked for here")),
      publishRunDelivery: (message) => publisher.publishRunDelivery(message),
    },
  };
  const api = stack.use(await startApiServer({ on: server, services }));
  const endpoint = stack.use(await startEndpoint());

  /** What a client of one owner does. */
  async function newOwner() {
    owners += 1;
    const owner = `owner-${owners}`;
    const bearer = await api.newKey({ owner });
    const call = async (request: string, json?: unknown, headers: Record<string, string> = {}) => {
      const [method = "", path = ""] = request.split(" ");
      const init = { method, bearer, headers, ...(json !== undefined && { json }) };
      const response = await api.call(`/v1${path}`, init);
      const text = await response.text();
      return { status: response.status, body: text && JSON.parse(text), headers: response.headers };
    };
    const webhook = async (of: object = {}) =>
      (await call("POST /webhooks", { url: `${endpoint.url}/hook`, ...of })).body;
    return { owner, call, webhook };
  }

  return {
    services,
    api,
    endpoint,
    asked,
    told,
    newOwner,
    /** A message of run-events, as a run's change of status is told. */
    tell: (event: EventMessage, by: Services = services) =>
      deliverWebhook(by, { data: structuredClone(event.json), attributes: event.attributes }),
    attempt: (message: DeliveryMessage, by: Services = services) =>
      deliverWebhook(by, { data: message, attributes: {} }),
    webhookOf: async (id: string) => (await services.webhooks.get(id)) as WebhookRecord,
    deliveryOf: async (id: string) => (await services.deliveries.get(id)) as DeliveryRecord,
    /** Changes a document behind everybody's back. */
    set: (path: string, fields: object) => api.firestore.doc(path).update({ ...fields }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export type WebhookWorld = Awaited<ReturnType<typeof startWebhookWorld>>;

/** What is told of a run of an owner that got a status. */
export function eventOf(owner: string, status: RunStatus = "succeeded", of: object = {}) {
  const { run } = makeRun();
  const at = new Date();
  const mine = { ...run, owner, status, ...of };
  return statusEvent(
    mine,
    { version: 4, status, at, cause: "test" },
    { source: "//runyard/projects/pipeline" },
  );
}
