import type { Request } from "express";
import { AppError } from "../../../shared/errors.ts";

/**
 * Whether a list of ETags, as `If-None-Match` has it, has this one. Not by Express's
 * `request.fresh`: that takes the `no-cache` which `fetch` adds for a wish to have all of it again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
 */
export function namesTag(list: string | undefined, etag: string): boolean {
  const tags = list?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(etag);
}

/**
 * Holds a change to what `If-Match` names.
 *
 * @param thing.is in words, as `agent agent_…`
 * @throws {AppError} precondition_required, precondition_failed
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
 */
export function refuseStale(
  { headers }: Pick<Request, "headers">,
  { is, etag }: { is: string; etag: string },
): void {
  const condition = headers["if-match"];
  if (condition === undefined) {
    const [kind] = is.split(" ");
    const detail = `send If-Match with the ETag of the ${kind} as you read it, or with *`;
    throw new AppError("precondition_required", { detail });
  }
  const named = condition.split(",").map((tag) => tag.trim());
  // A weak tag never matches here.
  if (named.includes("*") || named.includes(etag)) return;
  const detail = `${is} has the ETag ${etag}; read it again and decide anew`;
  throw new AppError("precondition_failed", { detail });
}
