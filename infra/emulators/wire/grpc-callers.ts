import * as grpc from "@grpc/grpc-js";
import type { CallerPorts, Callers } from "./callers.ts";
import { GoogleError } from "./status.ts";

/** Asks `callers` about each request of an account, before the method sees it. */
export function askingCallers(callers: Callers, ports: CallerPorts): grpc.ServerInterceptor {
  return ({ path }, call) => {
    const account = ports.accountAt(portOf(call.getHost()));
    if (account === undefined) return new grpc.ServerInterceptingCall(call);
    const method = path.slice(1);
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMessage(request, pass) {
            const details = refusalOf(() => callers.admit({ account, method, request }));
            if (details === undefined) {
              pass(request);
              return;
            }
            // Google's Node clients take a refusal without headers before it for a lost connection.
            call.sendMetadata(new grpc.Metadata());
            call.sendStatus({ code: grpc.status.PERMISSION_DENIED, details });
          },
        }),
    });
  };
}

function refusalOf(admit: () => void): string | undefined {
  try {
    admit();
    return undefined;
  } catch (error) {
    if (error instanceof GoogleError) return error.message;
    throw error;
  }
}

const portOf = (authority = ""): number => Number(authority.slice(authority.lastIndexOf(":") + 1));
