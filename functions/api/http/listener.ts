import type { RequestListener } from "node:http";
import express, { type Request, type Response } from "express";
import { answerProblem } from "./problem.ts";

/**
 * The API as a listener of the guard's server, past functions-framework's own: that one wraps each
 * request in `node:domain`, which makes accepting a run cost almost twice the CPU, and parses
 * bodies before our code sees them. The body is not read here: what answers does so, once it knows
 * for whom, see {@link receiveBody}.
 *
 * @param load gives what answers; a failure of it is answered as a problem
 */
export function apiListener(
  load: () => Promise<(request: Request, response: Response) => void>,
): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // Express would take `If-None-Match: *` to be met by any answer. Whoever sets an ETag compares
  // it.
  Object.defineProperty(app.request, "fresh", { value: false });
  app.use(async (request: Request, response: Response) => {
    try {
      const answer = await load();
      answer(request, response);
    } catch (thrown) {
      answerProblem(response, thrown);
    }
  });
  return app;
}
