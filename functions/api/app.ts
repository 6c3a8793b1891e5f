import type { RequestListener } from "node:http";
import type { Request } from "express";
import express, { type RequestHandler, type Response } from "express";
import { OPERATIONS, type OperationId, type OperationOf } from "../../shared/api/operations.ts";
import { AppError } from "../../shared/errors.ts";
import { HOOKS_PATH } from "../../shared/triggers/hook.ts";
import type { Config } from "../config.ts";
import type { Services } from "../services/services.ts";
import { audit } from "./callers/audit.ts";
import {
  type AuthorizeSettings,
  type Identify,
  identifier,
  requireScope,
} from "./callers/authorize.ts";
import { refuseForeign, sharedWith } from "./callers/origins.ts";
import { HANDLERS } from "./handlers.ts";
import { hasBody, isJson } from "./http/body.ts";
import { BodyRoom } from "./http/body-room.ts";
import { callOf, type Handler } from "./http/call.ts";
import { apiListener } from "./http/listener.ts";
import { passOn } from "./http/pass-on.ts";
import { answerProblem } from "./http/problem.ts";
import { receiveBody } from "./http/receive-body.ts";

/** What the API takes from the configuration by itself. */
type ApiSettings = AuthorizeSettings & Pick<Config, "allowedHosts" | "corsOrigins" | "passHooksTo">;

/** The function `api`: the HTTP API, made of the table of its operations. */
export function apiApp(
  services: Services,
  settings: ApiSettings,
): (request: Request, response: Response) => void {
  const answer = (request: Request, response: Response) =>
    router(request, response, (thrown?: unknown) =>
      answerProblem(response, thrown ?? noSuchPath(request)),
    );
  const api = apiListener(async () => answer);
  const identify = identifier(services, settings);
  const room = new BodyRoom();
  const router = express.Router({ strict: true, caseSensitive: true });
  router.use((_request, response, next) => {
    response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
    next();
  });
  router.use(refuseForeign(settings));
  if (settings.corsOrigins.length > 0) router.use(sharedWith(settings.corsOrigins));
  if (settings.passHooksTo !== undefined) {
    router.all(`${HOOKS_PATH}:id`, passOn(settings.passHooksTo));
  }
  for (const [path, operations] of Map.groupBy(OPERATIONS, (operation) => operation.path)) {
    const route = router.route(expressPath(path));
    for (const operation of operations) {
      route[operation.method](answering(operation, { services, identify, room, api }));
    }
    route.all(onlyMethods(operations.map(({ method }) => method.toUpperCase())));
  }
  return answer;
}

/** `/v1/runs/{id}` in the form of Express. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\+\}/g, "*$1").replace(/\{(\w+)\}/g, ":$1");
}

/** What answering requests needs beside the operation. */
interface Answering {
  services: Services;
  identify: Identify;
  room: BodyRoom;
  api: RequestListener;
}

function answering<Id extends OperationId>(
  operation: OperationOf<Id> & { id: Id },
  { services, identify, room, api }: Answering,
): RequestHandler {
  const { id, access } = operation;
  const { timers } = services;
  const takesBody = "body" in operation;
  const handle: Handler<Id> = HANDLERS[id];
  return async (request, response) => {
    const principal = await identify(access, request, response);
    const call = callOf<Id>(operation, { request, response, principal, api });
    try {
      requireScope(principal, access);
      // What is no JSON is refused unread.
      if (takesBody && hasBody(request) && isJson(request)) {
        const sender = call.owner || `${request.params["id"]}`;
        const receiving = { response, sender, room, timers };
        if (!(await receiveBody(request, receiving))) return;
      }
      await handle(services, call);
    } catch (error) {
      audit(services, call, error instanceof AppError ? error.status : 500);
      throw error;
    }
    audit(services, call, response.statusCode);
  };
}

/** GET answers HEAD too; OPTIONS and the rest are refused with what would have been right. */
function onlyMethods(methods: string[]): RequestHandler {
  return (request, response) => {
    response.set("Allow", methods.join(", "));
    const detail = `${request.method} is not possible on ${request.path}; use ${methods.join(", ")}`;
    throw new AppError("method_not_allowed", { detail });
  };
}

function noSuchPath(request: Request): AppError {
  return new AppError("not_found", { detail: `there is nothing at ${request.path}` });
}
