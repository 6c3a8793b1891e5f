import type { Request, Response } from "express";
import type { Services } from "../../../functions/services/services.ts";
import type { OperationId } from "../../../shared/api/operations.ts";
import type { Revision } from "./revision.ts";

/** A request to the API, whose sender is known. */
export interface ApiRequest {
  operation: OperationId;
  path: string;
  id?: string;
  owner?: string;
  headers?: Record<string, string>;
  body?: object;
}

export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each caller knows what it has asked for
  body: any;
}

/** Has an operation of the API answered, without HTTP around it. */
export async function answerApi(
  services: Services,
  { HANDLERS, callOf, OPERATIONS, AppError }: Revision,
  asked: ApiRequest,
): Promise<ApiAnswer> {
  const answer: ApiAnswer = { status: 200, body: undefined };
  const operation = OPERATIONS.find(({ id }) => id === asked.operation);
  if (operation === undefined) throw new Error(`there is no operation ${asked.operation}`);
  const owner = asked.owner ?? "";
  const principal = { owner, scopes: ["write"], keyId: null, keyHash: null } as const;
  const call = callOf(operation as never, {
    request: requestOf(operation.method, asked),
    response: responseInto(answer),
    principal: principal as never,
    api: () => {},
  });
  try {
    await HANDLERS[asked.operation](services, call as never);
  } catch (error) {
    if (!(error instanceof AppError)) {
      services.log("ERROR", `${asked.operation}: ${String(error)}`);
      return { status: 500, body: { code: "internal" } };
    }
    return { status: error.status, body: { code: error.code, detail: error.message } };
  }
  return answer;
}

function requestOf(method: string, { path, id, headers = {}, body }: ApiRequest): Request {
  const rawBody = Buffer.from(body === undefined ? "" : JSON.stringify(body));
  const all = {
    "content-type": "application/json",
    "content-length": String(rawBody.length),
    ...headers,
  };
  const params = id === undefined ? {} : { id };
  return { method, path, params, query: {}, headers: all, rawBody } as unknown as Request;
}

function responseInto(answer: ApiAnswer): Response {
  const response = {
    closed: false,
    once: () => response,
    set: () => response,
    status(code: number) {
      answer.status = code;
      return response;
    },
    json(body: unknown) {
      answer.body = body;
      return response;
    },
    end: () => response,
  };
  return response as unknown as Response;
}
