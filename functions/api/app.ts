import type { Request } from "express";
import express, { type RequestHandler, type Response } from "express";
import type { Operation } from "../../shared/api/operation.ts";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { AppError } from "../../shared/errors.ts";
import type { Config } from "../config.ts";
import type { Services } from "../services.ts";
import { type Authenticate, authenticator, refuseForeign } from "./auth.ts";
import { HANDLERS } from "./handlers.ts";
import { answerProblem } from "./problem.ts";

/** The function `api`: the HTTP API, made of the table of its operations. */
export function apiApp(
  services: Services,
  { allowedHosts }: Pick<Config, "allowedHosts">,
): (request: Request, response: Response) => void {
  const authenticate = authenticator(services.runs, services.now);
  const router = express.Router({ strict: true, caseSensitive: true });
  router.use((_request, response, next) => {
    response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
    next();
  });
  router.use(refuseForeign(allowedHosts));
  for (const [path, operations] of Map.groupBy(OPERATIONS, (operation) => operation.path)) {
    const route = router.route(expressPath(path));
    for (const operation of operations) {
      route[operation.method](answering(operation, { services, authenticate }));
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
  { id, access }: Operation,
  { services, authenticate }: { services: Services; authenticate: Authenticate },
): RequestHandler {
  const handle = HANDLERS[id];
  if (handle === undefined) return (request) => Promise.reject(noSuchPath(request));
  const needsKey = access !== "public" && access !== "build";
  return async (request, response) => {
    const owner = needsKey ? await authenticate(request) : "";
    await handle(services, { request, response, owner });
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
