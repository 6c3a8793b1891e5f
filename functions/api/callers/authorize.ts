import type { Request, Response } from "express";
import { type Operation, SCOPES, type Scope } from "../../../shared/api/operation.ts";
import { includesScope } from "../../../shared/documents/key.ts";
import { AppError } from "../../../shared/errors.ts";
import { counted } from "../../../shared/text.ts";
import type { Config } from "../../config.ts";
import { proveConnection } from "../../connections.ts";
import type { Services } from "../../services/services.ts";
import type { Principal } from "../http/call.ts";
import { type AuthSettings, authenticator } from "./auth.ts";
import { Budget, overdrawn, tellBalance } from "./budget.ts";

export type AuthorizeSettings = AuthSettings & Pick<Config, "requestsPerMinute">;

/** Finds out who sends a request; undefined where nobody is asked. */
export type Identify = (
  access: Operation["access"],
  request: Request,
  response: Response,
) => Promise<Principal | undefined>;

/**
 * Every answer to a caller who is known says what is left of the owner's requests in this minute.
 *
 * @throws {AppError} unauthorized, forbidden, rate_limited
 */
export function identifier(
  services: Pick<Services, "keys" | "idTokens" | "now" | "runs">,
  settings: AuthorizeSettings,
): Identify {
  const authenticate = authenticator(services, settings);
  const quota = settings.requestsPerMinute;
  const requests = new Budget({ name: "requests", quota, now: services.now });
  return async (access, request, response) => {
    if (access === "build") {
      await authenticate.build(request, response);
      proveConnection(request.socket, `${request.params["id"]}`);
    }
    if (!isScope(access)) return undefined;
    const principal = await authenticate.principal(request, response);
    proveConnection(request.socket, principal.owner);
    const balance = requests.spend(principal.owner);
    tellBalance(response, requests, balance);
    if (balance.remaining < 0)
      throw overdrawn(balance, `at most ${counted(quota, "request")} a minute`);
    return principal;
  };
}

/** @throws {AppError} forbidden if the caller's scopes do not include what an operation needs */
export function requireScope(principal: Principal | undefined, access: Operation["access"]): void {
  if (!isScope(access) || includesScope(principal?.scopes ?? [], access)) return;
  const has = principal?.scopes.join(", ") || "none";
  throw new AppError("forbidden", { detail: `this needs the scope ${access}; you have ${has}` });
}

/** `public` asks nobody; a `build` has a token of its own. */
function isScope(access: Operation["access"]): access is Scope {
  return (SCOPES as readonly string[]).includes(access);
}
