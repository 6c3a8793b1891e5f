import type { Request, Response } from "express";
import type { Scope } from "../../../shared/api/operation.ts";
import type { Services } from "../../services/services.ts";

/** Who calls: the owner that documents belong to, and what the caller may do. */
export interface Principal {
  owner: string;
  scopes: readonly Scope[];
  /** Id of the caller's key, or of that which its token was made of. */
  keyId: string | null;
  /** SHA-256 of the key that was sent; null: a token was. */
  keyHash: string | null;
}

/** A request by somebody who may make it. */
export interface Call {
  request: Request;
  response: Response;
  /** That of the principal; empty where an operation needs no key. */
  owner: string;
  /** Undefined where an operation needs no key. */
  principal?: Principal | undefined;
}

/** Answers one operation of the API, or throws an `AppError`. */
export type Handler = (services: Services, call: Call) => Promise<void>;
