import type { RequestListener } from "node:http";
import type { Request, Response } from "express";
import type { Operation, Scope } from "../../../shared/api/operation.ts";
import type { OperationId, OperationOf } from "../../../shared/api/operations.ts";
import { type TraceContext, traceContextOf } from "../../../shared/run/trace.ts";
import type { Static, TSchema } from "../../../shared/schema/type.ts";
import type { Services } from "../../services/services.ts";
import { validBody, validQuery } from "./body.ts";

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
  operation: Operation;
  request: Request;
  response: Response;
  /** That of the principal; empty where an operation needs no key. */
  owner: string;
  /** Undefined where an operation needs no key. */
  principal: Principal | undefined;
  /** The API itself, for what answers by asking it. */
  api: RequestListener;
  /** Where in a trace the caller is, or, while a run is accepted, the span of that. */
  trace: TraceContext | null;
}

/** A call of an operation on one thing, which its path names. */
export interface ItemCall extends Call {
  params: { id: string };
}

/** A call of one operation, with what the operation's row in the table says of its request. */
export interface CallOf<Id extends OperationId> extends Call {
  operation: OperationOf<Id>;
  /** What the path has in the place of its braces; `{name+}` with its slashes. */
  params: PathParameters<OperationOf<Id>["path"]>;
  /**
   * The query, validated when it is first read. An operation without parameters has none.
   *
   * @throws {AppError} see {@link validQuery}
   */
  readonly query: StaticOf<OperationOf<Id>, "query">;
  /**
   * The body, validated when it is first read: what an operation looks at before that is refused
   * first. An operation that takes none has none.
   *
   * @throws {AppError} see {@link validBody}
   */
  readonly body: StaticOf<OperationOf<Id>, "body">;
}

/** Answers one operation of the API, or throws an `AppError`. */
export type Handler<Id extends OperationId> = (
  services: Services,
  call: CallOf<Id>,
) => Promise<void>;

/** `{ id: string }` for `/v1/runs/{id}`. */
type PathParameters<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Record<Name extends `${infer Plain}+` ? Plain : Name, string> & PathParameters<Rest>
  : unknown;

/** What fits the schema that a row has under `Key`; undefined if it has none. */
type StaticOf<Row, Key extends "body" | "query"> =
  Row extends Record<Key, infer Schema extends TSchema> ? Static<Schema> : undefined;

/**
 * The call that a request is.
 *
 * @param from.principal undefined where the operation needs no key
 */
export function callOf<Id extends OperationId>(
  operation: OperationOf<Id>,
  { request, response, principal, api }: Pick<Call, "request" | "response" | "principal" | "api">,
): CallOf<Id> {
  const row: Operation = operation;
  let body: unknown;
  let query: unknown;
  const call = {
    operation,
    request,
    response,
    principal,
    api,
    owner: principal?.owner ?? "",
    trace: traceContextOf(request.headers["traceparent"]),
    params: pathParameters(request),
    get body() {
      body ??= row.body && validBody(request, row.body, { isOptional: row.isBodyOptional });
      return body;
    },
    get query() {
      query ??= row.query && validQuery(request, row.query);
      return query;
    },
  };
  // What these schemas and this path let through has the types that the row gives: TypeScript does
  // not follow that from a row which is known only when the request comes.
  return call as CallOf<Id>;
}

function pathParameters({ params }: Request): Record<string, string> {
  const joined = Object.entries(params).map(([name, value]) => [name, [value].flat().join("/")]);
  return Object.fromEntries(joined);
}
