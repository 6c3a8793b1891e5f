import type { Request } from "express";
import express, { type RequestHandler, type Response } from "express";
import { AppError } from "../../shared/errors.ts";
import type { Config } from "../config.ts";
import type { Services } from "../services.ts";
import { authenticator, refuseForeign } from "./auth.ts";
import { createRun } from "./create-run.ts";
import { answerProblem } from "./problem.ts";
import { cancelRun, getRun, getRunRequest, type RunCall, reportProgress } from "./runs.ts";

/** The function `api`: the HTTP API under `/v1`. */
export function apiApp(
  services: Services,
  { allowedHosts }: Pick<Config, "allowedHosts">,
): (request: Request, response: Response) => void {
  const authenticate = authenticator(services.runs, services.now);
  const owned =
    (handle: (services: Services, call: RunCall) => Promise<void>): RequestHandler =>
    async (request, response) => {
      const owner = await authenticate(request);
      await handle(services, { request, response, owner });
    };
  const router = express.Router({ strict: true, caseSensitive: true });
  router.use((_request, response, next) => {
    response.set({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
    next();
  });
  router.use(refuseForeign(allowedHosts));
  router.route("/v1/health").get(health).all(onlyMethods("GET"));
  router.route("/v1/runs").post(owned(createRun)).all(onlyMethods("POST"));
  router.route("/v1/runs/:id").get(owned(getRun)).all(onlyMethods("GET"));
  router.route("/v1/runs/:id/request").get(owned(getRunRequest)).all(onlyMethods("GET"));
  router.route("/v1/runs/:id/cancel").post(owned(cancelRun)).all(onlyMethods("POST"));
  router
    .route("/v1/runs/:id/progress")
    .post((request, response) => reportProgress(services, { request, response }))
    .all(onlyMethods("POST"));
  return (request, response) =>
    router(request, response, (thrown?: unknown) =>
      answerProblem(response, thrown ?? noSuchPath(request)),
    );
}

const health: RequestHandler = (_request, response) => {
  response.json({ status: "ok" });
};

/** GET answers HEAD too; OPTIONS and the rest are refused with what would have been right. */
function onlyMethods(...methods: string[]): RequestHandler {
  return (request, response) => {
    response.set("Allow", methods.join(", "));
    const detail = `${request.method} is not possible on ${request.path}; use ${methods.join(", ")}`;
    throw new AppError("method_not_allowed", { detail });
  };
}

function noSuchPath(request: Request): AppError {
  return new AppError("not_found", { detail: `there is nothing at ${request.path}` });
}
