import { request as httpRequest } from "node:http";
import { pipeline } from "node:stream/promises";
import type { RequestHandler, Response } from "express";
import { AppError } from "../../../shared/errors.ts";
import { answerProblem } from "./problem.ts";
import { letSend } from "./receive-body.ts";

/**
 * Passes requests on to another function as they are, where one address stands for both: on a
 * machine of one's own.
 *
 * @param base the other's address, without a path
 */
export function passOn(base: string): RequestHandler {
  return (request, response) => {
    const { method, originalUrl } = request;
    const { expect: _waits, ...headers } = request.headers;
    const onward = httpRequest(new URL(originalUrl, base), { method, headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    letSend(request, response);
    pipeline(request, onward).catch((cause: unknown) => unreachable(response, cause));
  };
}

/** What was answered already stays so, also if the rest of the request was not wanted. */
function unreachable(response: Response, cause: unknown): void {
  if (response.headersSent) return;
  const detail = "the function that takes this cannot be reached";
  answerProblem(response, new AppError("unavailable", { detail, cause }));
}
