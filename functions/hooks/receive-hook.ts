import type { Request, Response } from "express";
import { GITHUB_HOOK } from "../../shared/delivery/github-hook.ts";
import { AppError } from "../../shared/errors.ts";
import { base62, isTriggerId } from "../../shared/ids.ts";
import { utf8Length } from "../../shared/text.ts";
import { EVENT_MESSAGE_BYTES } from "../../shared/triggers/event-object.ts";
import { HOOKS_PATH, hookSecretPlace } from "../../shared/triggers/hook.ts";
import type { Verification } from "../../shared/triggers/source.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";
import { addressOf } from "../api/callers/address.ts";
import { rawBody } from "../api/http/body.ts";
import { BodyRoom } from "../api/http/body-room.ts";
import { answerProblem } from "../api/http/problem.ts";
import { receiveBody } from "../api/http/receive-body.ts";
import type { Config } from "../config.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import { type HookDelivery, hookDelivery } from "./hook-event.ts";
import { isFromGithub, takeFromGithub } from "./receive-github.ts";
import { type HookRequest, isFromSender, verifyNothing } from "./verify-hook.ts";

const MEBIBYTE = 1024 * 1024;
/** Eight of the largest bodies, which is how many requests an instance takes at once. */
const ROOM = { total: 200 * MEBIBYTE, share: 100 * MEBIBYTE } as const;

/** Of deliveries that we made: our own name, and our ids in Standard Webhooks' header. */
const OWN_AGENT = /^runyard\b/i;
const OWN_DELIVERY = /^dlv_[0-9A-Za-z]{22}$/;

type Settings = Pick<Config, "forwardedHops">;

/**
 * The function `receiveHook`: takes what is posted to `/v1/hooks/{id}`, if its sender shows that it
 * is the sender, and answers 202 once Pub/Sub has it. Whatever else comes, known hook or not, gets
 * the same 401 for the same work. A body is held in memory until it is verified: nothing of what a
 * stranger sends goes any further.
 */
export function hookApp(
  services: Services,
  settings: Settings,
): (request: Request, response: Response) => void {
  const room = new BodyRoom(ROOM);
  return (request, response) => {
    response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
    receiveHook(services, { request, response, room, settings }).catch((thrown) =>
      answerProblem(response, thrown),
    );
  };
}

interface Receiving {
  request: Request;
  response: Response;
  room: BodyRoom;
  settings: Settings;
}

async function receiveHook(services: Services, receiving: Receiving): Promise<void> {
  const { request, response, room, settings } = receiving;
  const id = hookIdOf(request);
  const sender = addressOf(request, settings.forwardedHops);
  const { timers, now, random } = services;
  if (!(await receiveBody(request, { response, sender, room, timers }))) return;
  const arrived: HookRequest = { headers: request.headers, body: rawBody(request), now: now() };
  if (id === GITHUB_HOOK) {
    if (!(await isFromGithub(services, arrived))) throw unauthorized();
    response.status(202).json(await takeFromGithub(services, arrived));
    return;
  }
  const verify = await verifiedHook(services, id, arrived);
  if (verify === undefined) throw unauthorized();
  if (isOwnDelivery(request)) {
    services.log("INFO", "a delivery of our own webhooks was dropped", { triggerId: id });
    const dropped = "it was sent by one of Runyard's own webhooks, which start no runs";
    response.status(202).json({ dropped });
    return;
  }
  const source = `${services.eventSource}/hooks/${id}`;
  const about = { verify, source, id: base62(random(16)), now: arrived.now };
  const delivery = hookDelivery(arrived, about);
  await publish(services, id, delivery);
  const { event } = delivery;
  response.status(202).json({ event: { id: event.id, source: event.source, type: event.type } });
}

const unauthorized = (): AppError =>
  new AppError("unauthorized", {
    detail: "there is no such hook, or this is not signed as it should be",
  });

/** @throws {AppError} not_found, method_not_allowed */
function hookIdOf({ path, method }: Request): string {
  const id = path.startsWith(HOOKS_PATH) ? path.slice(HOOKS_PATH.length) : "";
  if (!/^\w{1,64}$/.test(id)) {
    const detail = `there is nothing at ${path}; hooks are at ${HOOKS_PATH}ID`;
    throw new AppError("not_found", { detail });
  }
  if (method === "POST") return id;
  throw new AppError("method_not_allowed", { detail: `${method} is not possible here; use POST` });
}

/** How the hook of this id verifies; undefined if there is none, or this is not from its sender. */
async function verifiedHook(
  services: Services,
  id: string,
  request: HookRequest,
): Promise<Verification | undefined> {
  const trigger = isTriggerId(id) ? await services.triggers.get(id) : undefined;
  const { source, enabled } = trigger ?? {};
  const secrets = trigger && secretsOf(services, trigger, request.now);
  if (source?.kind !== "webhook" || secrets === undefined) {
    verifyNothing(request);
    return undefined;
  }
  const { verify } = source;
  return isFromSender(verify, secrets, request) && enabled ? verify : undefined;
}

/** What a hook's requests may be signed with now; undefined: nothing is. */
function secretsOf(
  { sealing, log }: Pick<Services, "sealing" | "log">,
  { id, source, secrets }: Trigger,
  now: Date,
): string[] | undefined {
  if (source.kind !== "webhook" || secrets === null) return undefined;
  const { current, previous, previousUntil } = secrets;
  const isPreviousTaken = previous !== null && previousUntil !== null && previousUntil > now;
  const sealed = isPreviousTaken ? [current, previous] : [current];
  // A token is kept as its hash, which needs no seal.
  if (source.verify.scheme === "bearer") return sealed;
  try {
    return sealed.map((secret) => sealing.open(secret, hookSecretPlace(id)));
  } catch (error) {
    // Strangers are told nothing of hooks that are there.
    log("ERROR", `the secret of hook ${id} cannot be read: ${describeError(error)}`);
    return undefined;
  }
}

const isOwnDelivery = ({ headers }: Request): boolean =>
  OWN_AGENT.test(headers["user-agent"] ?? "") ||
  OWN_DELIVERY.test(`${headers["webhook-id"] ?? ""}`);

/** Hands the event on: in the message, or as an object if it is large. */
async function publish(
  { publisher, events }: Services,
  triggerId: string,
  { event, ...key }: HookDelivery,
): Promise<void> {
  const isSmall = utf8Length(JSON.stringify(event)) <= EVENT_MESSAGE_BYTES;
  const carried = isSmall ? { event } : { object: await events.keep(event) };
  await publisher.publishFires({ triggerIds: [triggerId], ...carried, ...key });
}
