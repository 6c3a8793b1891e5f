import { createHash } from "node:crypto";
import type { Request, Response } from "express";
import { acceptRun } from "../../shared/accept.ts";
import { AppError, type Fault } from "../../shared/errors.ts";
import { newNonce, newUuid, runId } from "../../shared/ids.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import { CreateRun, type Run } from "../../shared/run-schema.ts";
import { utf8Length } from "../../shared/text.ts";
import { schemaFault, validatorOf } from "../../shared/validate.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services.ts";
import { sha256 } from "./auth.ts";
import { jsonBody, malformedStrings, rawBody } from "./body.ts";

const validate = validatorOf(CreateRun);

/** `POST /v1/runs`: accepts a run. It is durable when this answers 202. */
export async function createRun(
  services: Services,
  { request, response, owner }: { request: Request; response: Response; owner: string },
): Promise<void> {
  const key = idempotencyKey(request);
  const body = validRequest(jsonBody(request));
  const requestHash = sha256(rawBody(request));
  const { random } = services;
  const accepted = acceptRun(body, {
    id: runId(key === undefined ? random(16) : idBytes(request, owner, key)),
    owner,
    nonce: newNonce(random),
    sessionId: newUuid(random),
    requestHash,
    writer: newNonce(random),
    now: services.now(),
  });
  const existing = await services.runs.create(accepted);
  if (existing !== undefined) {
    replay(response, existing.run, existing.state.requestHash === requestHash);
    return;
  }
  await publish(services, accepted.run);
  answer(response, accepted.run);
}

/** The run is durable already: if this fails, the sweep publishes it. */
async function publish(services: Services, { id, attempt }: Run): Promise<void> {
  try {
    await services.publisher.publishAttempt({ runId: id, attempt });
  } catch (error) {
    services.log("WARNING", `not published yet: ${describeError(error)}`, { runId: id });
  }
}

function replay(response: Response, run: Run, isSame: boolean): void {
  if (!isSame) {
    const detail = "this Idempotency-Key was sent before with another body; use a new key";
    throw new AppError("idempotency_key_reused", { detail });
  }
  response.set("Idempotency-Replayed", "true");
  answer(response, run);
}

function answer(response: Response, run: Run): void {
  response.status(202).set("Location", `/v1/runs/${run.id}`).json(run);
}

function idempotencyKey(request: Request): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  const fits = typeof key === "string" && /^[\x21-\x7e]+$/.test(key);
  if (fits && key.length <= RUN_LIMITS.idempotencyKeyLength) return key;
  const detail = `Idempotency-Key must be 1 to ${RUN_LIMITS.idempotencyKeyLength} printable ASCII characters`;
  throw new AppError("invalid", { detail });
}

/** The same owner, method, path and key give the same run. */
function idBytes(request: Request, owner: string, key: string): Uint8Array {
  const scope = JSON.stringify([owner, request.method, request.path, key]);
  return createHash("sha256").update(scope).digest();
}

function validRequest(value: unknown): CreateRun {
  const malformed = malformedStrings(value);
  if (malformed.length > 0) throw invalid(malformed.slice(0, 20));
  const result = validate(value);
  if (!result.ok) throw invalid(result.faults);
  const bytes = utf8Length(result.value.prompt);
  if (bytes > RUN_LIMITS.promptBytes) {
    const detail = `has ${bytes} bytes; at most ${RUN_LIMITS.promptBytes} are accepted`;
    throw invalid([{ pointer: "/prompt", detail }]);
  }
  const outputSchema = result.value.agent?.outputSchema;
  const fault = outputSchema && schemaFault(outputSchema);
  if (fault !== undefined) throw invalid([{ pointer: "/agent/outputSchema", detail: fault }]);
  return result.value;
}

function invalid(faults: Fault[]): AppError {
  const first = faults[0];
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const where = first?.pointer === "" ? "the body" : first?.pointer;
  return new AppError("invalid", { detail: `${where} ${first?.detail}${more}`, faults });
}
