import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";

/** Characters of a path that are logged: longer than any that there is. */
const RESOURCE_LENGTH = 200;

/**
 * Logs who asked for a change, which, of what, and how it was answered; nothing of what was sent.
 * What builds report is not a change that somebody asks for.
 */
export function audit(
  { log }: Pick<Services, "log">,
  { operation, request, response, principal, trace }: Call,
  status: number,
): void {
  if (operation.method === "get" || principal === undefined) return;
  const requestId = /^[0-9a-f]{32}/.exec(request.get("x-cloud-trace-context") ?? "")?.[0];
  const resource = response.get("Location") ?? request.path;
  log("INFO", "audit", {
    actor: { owner: principal.owner, key: principal.keyId },
    operation: operation.id,
    resource: resource.slice(0, RESOURCE_LENGTH),
    status,
    ...(trace && { trace }),
    ...(requestId !== undefined && { requestId }),
  });
}
