import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { AppError, PROBLEMS } from "../../shared/errors.ts";
import { COLLECTIONS, TOPICS } from "../../shared/names.ts";
import { Type } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { truncateUtf8 } from "../../shared/text.ts";
import { EVENT_MESSAGE_BYTES } from "../../shared/triggers/event-object.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import { routesOf, runRouteOf } from "../../shared/triggers/route.ts";
import { problemParts } from "../api/http/problem.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import { asking, fire } from "./fire.ts";
import { incomingEvent } from "./incoming.ts";
import { visitTrigger } from "./schedules.ts";

/** Triggers that one message of `trigger-fires` names. */
const PAGE = 50;
/** Bytes of a reason that Pub/Sub takes as an attribute. */
const REASON_BYTES = 1000;

/** A request, as it was sent. */
export interface ArrivedEvent {
  path: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** Answers pushes and events with 204, or with what is wrong. */
export function eventListener(services: Services): RequestListener {
  return (request, response) => void answer(services, request, response);
}

async function answer(
  services: Services,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await buffer(request);
    await receiveEvent(services, { path: request.url ?? "/", headers: request.headers, body });
    await services.telemetry.flush();
    response.writeHead(204).end();
  } catch (error) {
    const refusal =
      error instanceof AppError
        ? error
        : new AppError("internal", { detail: "the event could not be handled", cause: error });
    const { headers, body } = problemParts(refusal);
    response.writeHead(refusal.status, headers).end(body);
  }
}

/**
 * Takes what arrives: pushes of `trigger-events`, `run-events` and `trigger-fires`, by the path that
 * each is pushed to, and CloudEvents by HTTP at any other. A message that would be refused each
 * time is put away with the reason; by HTTP its sender is told.
 *
 * @throws {AppError} what may pass: it comes again
 */
export async function receiveEvent(services: Services, arrived: ArrivedEvent): Promise<void> {
  const topic = /\/topics\/([\w.~+%-]+)/.exec(arrived.path)?.[1];
  try {
    await take(services, topic, arrived);
  } catch (error) {
    const givesUp = error instanceof AppError && !error.retry;
    const why = givesUp ? refusalOf(error) : describeError(error);
    services.log("WARNING", `receiveEvent: ${why}`, { topic: isOurs(topic) ? topic : undefined });
    if (!givesUp || topic === undefined) throw error;
    await services.publisher.publishDeadLetter(deadLetter(arrived.body, why));
  }
}

/** In our words alone: in the detail there may be those of the sender, who is told it. */
const refusalOf = ({ code }: AppError): string => `${code}: ${PROBLEMS[code].title}`;

const isOurs = (topic = ""): boolean => (Object.values(TOPICS) as string[]).includes(topic);

async function take(
  services: Services,
  topic: string | undefined,
  arrived: ArrivedEvent,
): Promise<void> {
  if (topic === TOPICS.triggerFires) return takeFires(services, jsonOf(dataOf(arrived.body)));
  if (topic === TOPICS.runEvents) return takeRunEnd(services, incomingEvent(arrived));
  const event = incomingEvent(arrived);
  if (isOurOwn(services, event)) return;
  await routeEvent(services, event, routesOf(event));
}

/** What is ours counts only from `run-events`, and what our own runs write starts none. */
function isOurOwn({ artifacts }: Services, { type, source, subject = "" }: IncomingEvent): boolean {
  if (type.startsWith("runyard.")) return true;
  if (source === `//storage.googleapis.com/projects/_/buckets/${artifacts.bucketName}`) return true;
  const isDocument = type.startsWith("google.cloud.firestore.document.");
  const [, collection = ""] = subject.split("/");
  return isDocument && (Object.values(COLLECTIONS) as string[]).includes(collection);
}

async function takeRunEnd(services: Services, event: IncomingEvent): Promise<void> {
  const { owner } = (event.data ?? {}) as { owner?: unknown };
  const isEnd = event.type.startsWith("runyard.run.") && typeof owner === "string";
  if (isEnd) await routeEvent(services, event, [runRouteOf(owner)]);
}

/** Finds the triggers that an event may be for and hands it on, fifty of them at a time. */
async function routeEvent(
  { triggers, events, publisher }: Services,
  event: IncomingEvent,
  routes: readonly string[],
): Promise<void> {
  const ids = await triggers.byRoute(routes);
  if (ids.length === 0) return;
  const isLarge = Buffer.byteLength(JSON.stringify(event)) > EVENT_MESSAGE_BYTES;
  const carried = isLarge ? { object: await events.keep(event) } : { event };
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE) }, (_, page) =>
    ids.slice(page * PAGE, (page + 1) * PAGE),
  );
  await Promise.all(pages.map((triggerIds) => publisher.publishFires({ triggerIds, ...carried })));
}

const Ids = Type.Array(Type.String(), { maxItems: PAGE });
const validateFires = validatorOf(
  Type.Union([
    Type.Object({ triggerId: Type.String(), tick: Type.String() }),
    Type.Object({
      triggerIds: Ids,
      object: Type.String(),
      key: Type.Optional(Type.String()),
    }),
    Type.Object({
      triggerIds: Ids,
      event: Type.Object({ id: Type.String(), source: Type.String(), type: Type.String() }),
      key: Type.Optional(Type.String()),
    }),
  ]),
);

async function takeFires(services: Services, message: unknown): Promise<void> {
  const valid = validateFires(message);
  if (!valid.ok) {
    const detail = "not a message of trigger-fires";
    throw new AppError("invalid", { detail, faults: valid.faults });
  }
  const fires = valid.value;
  if ("tick" in fires) return takeTick(services, fires);
  const object = "object" in fires ? fires.object : undefined;
  const event =
    "event" in fires ? (fires.event as IncomingEvent) : await kept(services, fires.object);
  const asked = asking(services, { event, key: fires.key }, object);
  const triggers = await services.triggers.getAll(fires.triggerIds);
  // Each is asked, whatever becomes of the others.
  const results = await Promise.allSettled(
    triggers.map((trigger) => fire(services, trigger, asked)),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function kept({ events }: Services, object: string): Promise<IncomingEvent> {
  const event = await events.read(object);
  if (event !== undefined) return event;
  throw new AppError("outputs_expired", { detail: `${object} is no longer kept` });
}

async function takeTick(
  services: Services,
  { triggerId, tick }: { triggerId: string; tick: string },
): Promise<void> {
  const trigger = await services.triggers.get(triggerId);
  if (trigger?.dueAt?.toISOString() !== tick) return;
  await visitTrigger(services, trigger, await services.runs.databaseTime());
}

type Push = { message?: { data?: unknown; messageId?: unknown } };

function pushOf(body: Buffer): Record<string, unknown> {
  const push = jsonOf(body);
  if (typeof push === "object" && push !== null) return push as Record<string, unknown>;
  throw new AppError("invalid", { detail: "this is no push of Pub/Sub" });
}

function dataOf(body: Buffer): Buffer {
  const { message } = pushOf(body) as Push;
  return Buffer.from(String(message?.data ?? ""), "base64");
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new AppError("malformed_json", { detail: "the message's data is not JSON", cause });
  }
}

/** What is no push at all is kept as it came. */
function deadLetter(body: Buffer, why: string) {
  const reason = truncateUtf8(why, REASON_BYTES);
  const source = "receiveEvent";
  try {
    const { message } = pushOf(body) as Push;
    // Pub/Sub's own is a number.
    const [messageId = ""] = /^\d{1,40}$/.exec(String(message?.messageId ?? "")) ?? [];
    return { data: dataOf(body), reason, source, messageId };
  } catch {
    return { data: body, reason, source, messageId: "" };
  }
}
