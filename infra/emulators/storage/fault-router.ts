import { closeSync } from "node:fs";
import { goWrong } from "../wire/fault-call.ts";
import type { ArmedFault, InjectedFaults } from "../wire/faults.ts";
import { GoogleError } from "../wire/status.ts";
import type { Operation, Reply, StorageRequest } from "./request.ts";
import { type Router, STORAGE_METHODS } from "./routes.ts";
import type { State } from "./state.ts";

/**
 * The router with faults in front of the operations of methods that have any; without `faults` the
 * very same router.
 *
 * @throws {Error} for a fault that cannot fire
 */
export function withFaults(router: Router, faults: InjectedFaults | undefined): Router {
  if (faults === undefined) return router;
  const armed = new Map<string, ArmedFault[]>();
  for (const method of STORAGE_METHODS) armed.set(method, faults.arm(`storage.${method}`, "http"));
  faults.assertArmed("storage.");
  return (surface, httpMethod, path) => {
    const route = router(surface, httpMethod, path);
    const here = armed.get(route.method) ?? [];
    return { ...route, operation: here.reduceRight(faultyOperation, route.operation) };
  };
}

function faultyOperation(operation: Operation<State>, fault: ArmedFault): Operation<State> {
  return (state, request) => {
    if (!fault.decide(request)) return operation(state, request);
    return goWrong<Reply>(fault, {
      run: () => operation(state, request),
      cut() {
        request.disconnect();
        return gone(request);
      },
      lose: () => gone(request),
      discard({ file }) {
        if (file !== undefined) closeSync(file.descriptor);
      },
    });
  };
}

/** Ends with an error that nobody is there any more to read. */
async function gone(request: StorageRequest): Promise<never> {
  await request.whenDisconnected();
  throw new GoogleError("CANCELLED", "The connection is gone.");
}
