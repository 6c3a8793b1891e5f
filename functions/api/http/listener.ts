import type { IncomingMessage, RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";
import express, { type Request, type Response } from "express";
import { answerProblem } from "./problem.ts";

type Received = IncomingMessage & { rawBody?: Buffer };

/**
 * The API as a listener of the guard's server, past functions-framework's own: that one wraps each request
 * in `node:domain`, which makes accepting a run cost almost twice the CPU, and parses bodies before our
 * code sees them. The body comes as bytes in `rawBody`, where the framework puts it too.
 *
 * @param load gives what answers; a failure of it is answered as a problem
 */
export function apiListener(
  load: () => Promise<(request: Request, response: Response) => void>,
): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // Express would take `If-None-Match: *` to be met by any answer. Whoever sets an ETag compares it.
  Object.defineProperty(app.request, "fresh", { value: false });
  app.use(async (request: Request & Received, response: Response) => {
    try {
      request.rawBody ??= await buffer(request);
      const answer = await load();
      answer(request, response);
    } catch (thrown) {
      // Who goes away while still sending waits for no answer.
      if (request.complete) answerProblem(response, thrown);
    }
  });
  return app;
}
