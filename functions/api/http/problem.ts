import type { Response } from "express";
import { AppError, PROBLEMS } from "../../../shared/errors.ts";
import { describeError, log } from "../../log.ts";

/** A refusal's body (RFC 9457), with `code` for programs and `errors` for forms. */
function problemOf(error: AppError) {
  return {
    type: "about:blank",
    title: PROBLEMS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.faults.length > 0 && { errors: error.faults }),
  };
}

/**
 * Headers and body of a refusal, for the guard, which answers before there is an Express response.
 */
export function problemParts(error: AppError): { headers: Record<string, string>; body: string } {
  const body = `${JSON.stringify(problemOf(error))}\n`;
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
  };
  if (error.retry) headers["retry-after"] = String(error.retryAfterSeconds);
  if (error.code === "unauthorized") headers["www-authenticate"] = "Bearer";
  return { headers, body };
}

/** Answers a refusal, or anything else that was thrown: the one place where the API does. */
export function answerProblem(response: Response, thrown: unknown): void {
  const error = refusalOf(thrown);
  if (error.status >= 500) log("ERROR", describeError(thrown));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, body } = problemParts(error);
  response.status(error.status).set(headers).end(body);
}

function refusalOf(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (!(thrown instanceof URIError)) return internal(thrown);
  // Express throws it for a parameter in the path.
  const detail = "the path has a % that is not followed by an escape of UTF-8";
  return new AppError("invalid_request", { detail, cause: thrown });
}

function internal(cause: unknown): AppError {
  const detail = "something went wrong on our side; it has been logged";
  return new AppError("internal", { detail, cause });
}
