import type { ProblemCode } from "../errors.ts";
import type { TObject, TSchema } from "../schema/type.ts";

/** What a key may be for; each includes those before it. */
export const SCOPES = ["read", "run", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * An answer other than a problem. Without a schema it has no body, or one of `contentType` as it
 * is.
 */
export interface Answer {
  description: string;
  schema?: TSchema;
  /** Default: application/json when there is a schema. */
  contentType?: string;
  /** Another type of content that it has when the request asks for that, as it is. */
  orContentType?: string;
  /** Response headers worth knowing, with what they say. */
  headers?: Readonly<Record<string, string>>;
}

/**
 * One operation of the HTTP API. The tables of these are what the router, the OpenAPI document and
 * the contract tests are made of.
 */
export interface Operation {
  /** `operationId`; the handler has the same name. */
  id: string;
  method: "get" | "post" | "patch" | "put" | "delete";
  /**
   * With parameters in braces, as OpenAPI has them; `{name+}`: the rest of the path, slashes
   * included.
   */
  path: string;
  /** The group that it is listed in. */
  tag: string;
  summary: string;
  /** The scope that a key needs; `public`: no key; `build`: the token of a run's own build. */
  access: Scope | "public" | "build";
  query?: TObject;
  /** Request headers that it looks at, with what they do. */
  headers?: Readonly<Record<string, string>>;
  body?: TSchema;
  /** Default: application/json */
  bodyType?: string;
  /** Whether a request without a body is as one with `{}`. */
  isBodyOptional?: boolean;
  answers: Readonly<Record<number, Answer>>;
  /** Beside those that every operation may give. */
  problems?: readonly ProblemCode[];
}
