import type { CallerPorts, Callers } from "../wire/callers.ts";
import { StorageError } from "./errors.ts";
import type { Operation } from "./request.ts";
import type { Router } from "./routes.ts";
import type { State } from "./state.ts";

/** The router with `callers` asked before each operation; without it the very same router. */
export function withCallers(
  router: Router,
  callers: Callers | undefined,
  ports: CallerPorts,
): Router {
  if (callers === undefined) return router;
  return (surface, httpMethod, path) => {
    const route = router(surface, httpMethod, path);
    const method = `storage.${route.method}`;
    const operation: Operation<State> = async (state, request) => {
      const account = ports.accountAt(request.localPort);
      if (account === undefined) return route.operation(state, request);
      // Whoever has the address of an upload that was begun may go on with it.
      if (request.query["upload_id"] === undefined) {
        callers.admit({ account, method, request });
      }
      try {
        return await route.operation(state, request);
      } catch (error) {
        throw toCaller(error, callers.mayList(account, request.parameters["bucket"] ?? ""));
      }
    };
    return { ...route, operation };
  };
}

/**
 * What is not there, as it is told to those who may not know.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/status-codes#403-forbidden
 */
function toCaller(error: unknown, mayList: boolean): unknown {
  const isAbsent = error instanceof StorageError && error.refusal === "noSuchObject";
  if (!isAbsent || mayList) return error;
  const message =
    "Permission 'storage.objects.list' is needed to know whether this object is there (or it may not exist).";
  return new StorageError("accessDenied", message);
}
