import type { Request } from "express";
import express, { type RequestHandler, type Response } from "express";
import type { Operation } from "../../shared/api/operation.ts";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { AppError } from "../../shared/errors.ts";
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
import type { Call } from "./http/call.ts";
import { answerProblem } from "./http/problem.ts";

/** What the API takes from the configuration by itself. */
type ApiSettings = AuthorizeSettings & Pick<Config, "allowedHosts" | "corsOrigins">;

/** The function `api`: the HTTP API, made of the table of its operations. */
export function apiApp(
  services: Services,
  settings: ApiSettings,
): (request: Request, response: Response) => void {
  const identify = identifier(services, settings);
  const router = express.Router({ strict: true, caseSensitive: true });
  router.use((_request, response, next) => {
    response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
    next();
  });
  router.use(refuseForeign(settings));
  if (settings.corsOrigins.length > 0) router.use(sharedWith(settings.corsOrigins));
  for (const [path, operations] of Map.groupBy(OPERATIONS, (operation) => operation.path)) {
    const route = router.route(expressPath(path));
    for (const operation of operations) {
      route[operation.method](answering(operation, { services, identify }));
    }
    route.all(onlyMethods(operations.map(({ method }) => method.toUpperCase())));
  }
  return (request, response) =>
    router(request, response, (thrown?: unknown) =>
      answerProblem(response, thrown ?? noSuchPath(request)),
    );
}

/** `/v1/runs/{id}` in the form of Express. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\+\}/g, "*$1").replace(/\{(\w+)\}/g, ":$1");
}

function answering(
  operation: Operation,
  { services, identify }: { services: Services; identify: Identify },
): RequestHandler {
  const { id, access } = operation;
  const handle = HANDLERS[id];
  if (handle === undefined) throw new Error(`the operation ${id} has no handler`);
  return async (request, response) => {
    const principal = await identify(access, request, response);
    const call: Call = { request, response, owner: principal?.owner ?? "", principal };
    try {
      requireScope(principal, access);
      await handle(services, call);
    } catch (error) {
      const status = error instanceof AppError ? error.status : 500;
      audit(services, call, { operation, status });
      throw error;
    }
    audit(services, call, { operation, status: response.statusCode });
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
