import type { Request, Response } from "express";
import type { Scope } from "../../shared/api/operation.ts";
import type { Services } from "../services.ts";

/** Who calls: the owner that documents belong to, and what the key may be used for. */
export interface Principal {
  owner: string;
  scopes: readonly Scope[];
}

/** A request by somebody who may make it. */
export interface Call {
  request: Request;
  response: Response;
  /** That of the principal; empty where an operation needs no key. */
  owner: string;
}

/** Answers one operation of the API, or throws an `AppError`. */
export type Handler = (services: Services, call: Call) => Promise<void>;
