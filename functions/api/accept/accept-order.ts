import { createHash } from "node:crypto";
import type { Request, Response } from "express";
import { checkFaults } from "../../../shared/agent/checks.ts";
import { namedSecrets, secretFaults } from "../../../shared/agent/environment.ts";
import { mcpFaults } from "../../../shared/agent/mcp.ts";
import { repositoryFaults } from "../../../shared/agent/repository.ts";
import { resolveAgent } from "../../../shared/agent/settings.ts";
import { appFaults, deliveryFaults } from "../../../shared/delivery/repository-name.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { answerOf } from "../../../shared/documents/run-answer.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { newNonce, newUuid, runId } from "../../../shared/ids.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { type Acceptance, acceptRun, type Order } from "../../../shared/run/accept.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { retentionOf } from "../../../shared/run/retention.ts";
import { utf8Length } from "../../../shared/text.ts";
import { aboutRun, describeError } from "../../log.ts";
import type { Services } from "../../services/services.ts";
import { invalid, rawBody } from "../http/body.ts";
import type { Call } from "../http/call.ts";
import { hangUp } from "../http/hang-up.ts";
import { refuseFullLine } from "./full-lines.ts";
import { waitSecondsOf } from "./prefer.ts";
import { waitForRun } from "./wait-for-run.ts";
import { refuseLostTree } from "./workspace.ts";

/**
 * Accepts a run and answers. It is durable when this answers. A request that was accepted before is
 * answered as it was then, whatever has become since of the agent, the settings or the quotas that
 * it depends on.
 *
 * @param place accepts the run; what it throws is the answer unless there is one of before
 * @throws {AppError} idempotency_key_reused
 */
export async function acceptRequest(
  services: Services,
  call: Call,
  place: () => Promise<Run>,
): Promise<void> {
  await answerWithRun(services, call, await acceptOnce(services, call, place));
}

/** {@link acceptRequest} without the answer. */
export function acceptOnce(
  services: Services,
  call: Call,
  place: () => Promise<Run>,
): Promise<Run> {
  const { method, path } = call.operation;
  const span = {
    name: `${method.toUpperCase()} ${path}`,
    kind: "server",
    parent: call.trace,
    facts: { "http.request.method": method.toUpperCase(), "http.route": path },
    factsOf: ({ id, attempt }: Run) => ({ "runyard.run.id": id, "runyard.attempt": attempt }),
  } as const;
  return services.telemetry.within(span, (context) => {
    call.trace = context;
    return placeOnce(services, call, place);
  });
}

async function placeOnce(services: Services, call: Call, place: () => Promise<Run>): Promise<Run> {
  try {
    return await place();
  } catch (error) {
    // Whether it was accepted before is only looked for where it matters.
    const before = error instanceof AppError && (await acceptedBefore(services, call));
    if (before) return before;
    throw error;
  }
}

/** The run of the request's Idempotency-Key. */
async function acceptedBefore(services: Services, call: Call): Promise<Run | undefined> {
  if (idempotencyKey(call.request) === undefined) return undefined;
  const acceptance = acceptanceOf(services, call);
  const record = await services.runs.getRecord(acceptance.id);
  return record && confirmAccepted(services, call, { acceptance, record });
}

/**
 * Accepts a run that begins a conversation of its own.
 *
 * @throws {AppError} idempotency_key_reused, invalid
 */
export async function placeOrder(services: Services, call: Call, order: Order): Promise<Run> {
  await refuseTooMuch(services, call.owner, order);
  const acceptance = acceptanceOf(services, call);
  const accepted = acceptRun(order, acceptance);
  const existing = await services.runs.create(accepted);
  return confirmAccepted(services, call, { acceptance, record: existing ?? accepted });
}

/**
 * What the API adds to an order: ids, and the hash of the body that an Idempotency-Key is held to.
 */
export function acceptanceOf(
  { random, now, retention }: Services,
  { request, owner, trace }: Call,
): Acceptance {
  const key = idempotencyKey(request);
  return {
    id: runId(key === undefined ? random(16) : idBytes(request, owner, key)),
    owner,
    nonce: newNonce(random),
    sessionId: newUuid(random),
    requestHash: sha256(rawBody(request)),
    writer: newNonce(random),
    now: now(),
    trace,
    retention: retentionOf(retention, owner),
  };
}

/**
 * Takes up the run that a commit left there: the new one, which is published, or one of the same
 * Idempotency-Key.
 */
export async function confirmAccepted(
  services: Services,
  { response }: Call,
  { acceptance, record }: { acceptance: Acceptance; record: RunRecord },
): Promise<Run> {
  const { run, state } = record;
  if (state.writer !== acceptance.writer) {
    confirmReplay(response, state, acceptance);
    return run;
  }
  services.telemetry.accepted();
  if (!state.waitsForTurn) await publish(services, record);
  return run;
}

/**
 * Marks the answer as one that was given before.
 *
 * @throws {AppError} idempotency_key_reused if it was given to another body
 */
export function confirmReplay(
  response: Response,
  before: Pick<Acceptance, "requestHash">,
  { requestHash }: Pick<Acceptance, "requestHash">,
): void {
  if (before.requestHash !== requestHash) {
    const detail = "this Idempotency-Key was sent before with another body; use a new key";
    throw new AppError("idempotency_key_reused", { detail });
  }
  response.set("Idempotency-Replayed", "true");
}

/**
 * Answers with a run that was accepted. With `Prefer: wait=N` the answer is held until the run is
 * done, at most so long.
 */
async function answerWithRun(
  services: Services,
  { request, response }: Call,
  run: Run,
): Promise<void> {
  const seconds = waitSecondsOf(request.headers["prefer"]?.toString());
  const latest = await latestWithin(services, run, { seconds, response });
  if (seconds > 0 && latest.done) response.status(200).set("Preference-Applied", `wait=${seconds}`);
  else response.status(202);
  response.set("Location", `/v1/runs/${run.id}`).json(answerOf(latest));
}

/**
 * The run when it is done, or when so many seconds are over, or whoever waits for the response has
 * hung up. To have accepted it is never undone by this.
 */
export async function latestWithin(
  services: Services,
  run: Run,
  { seconds, response }: { seconds: number; response: Response },
): Promise<Run> {
  if (run.done || seconds === 0) return run;
  try {
    const patience = { seconds, signal: hangUp(response) };
    return (await waitForRun(services, run.id, patience)) ?? run;
  } catch (error) {
    services.log("WARNING", `not waited for: ${describeError(error)}`, { runId: run.id });
    return run;
  }
}

/** The run is durable already: if this fails, the sweep publishes it. */
async function publish(services: Services, record: RunRecord): Promise<void> {
  const { run, state } = record;
  try {
    const message = { runId: run.id, attempt: run.attempt };
    await services.publisher.publishAttempt(message, state.trace);
  } catch (error) {
    services.log("WARNING", `not published yet: ${describeError(error)}`, aboutRun(record));
  }
}

function idempotencyKey(request: Request): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  const fits = typeof key === "string" && /^[\x21-\x7e]+$/.test(key);
  if (fits && key.length <= RUN_LIMITS.idempotencyKeyLength) return key;
  const detail = `Idempotency-Key must be 1 to ${RUN_LIMITS.idempotencyKeyLength} printable ASCII characters without spaces, such as order-4711`;
  throw new AppError("invalid", { detail });
}

/** What a run's id is made of: equal for requests of one owner, method, path and key. */
function idBytes(request: Request, owner: string, key: string): Uint8Array {
  const name = JSON.stringify([owner, request.method, request.path, key]);
  return createHash("sha256").update(name).digest();
}

const NO_SANDBOX =
  "agents have no sandbox here, so only the built-in sample runs: install bubblewrap (Debian: apt-get install bubblewrap) and start again, or let agents run as you with npx runyard start --sandbox none";

/**
 * What a schema cannot say: bytes, labels together with the agent's, and the settings; and what may
 * not run without a sandbox.
 *
 * @throws {AppError} invalid, no_sandbox, upload_expired
 */
export async function refuseTooMuch(
  services: Judges &
    Pick<Services, "onlyPrompt" | "secrets" | "capacity" | "mostWaiting" | "uploads">,
  owner: string,
  { prompt, settings, labels, files = [], workspace, tree, deliver }: Order,
): Promise<void> {
  const { onlyPrompt } = services;
  const isBare = Object.keys(settings).length + files.length === 0 && !(workspace || tree);
  const isSample = prompt === onlyPrompt && isBare;
  if (onlyPrompt !== undefined && !isSample) {
    throw new AppError("no_sandbox", { detail: NO_SANDBOX });
  }
  const bytes = utf8Length(prompt);
  if (bytes > RUN_LIMITS.promptBytes) {
    const detail = `has ${bytes} bytes; at most ${RUN_LIMITS.promptBytes} are accepted`;
    throw invalid([{ pointer: "/prompt", detail }]);
  }
  const count = Object.keys(labels).length;
  if (count > RUN_LIMITS.labels) {
    const detail = `are ${count} together with those of the agent or the run before; at most ${RUN_LIMITS.labels} are accepted`;
    throw invalid([{ pointer: "/labels", detail }]);
  }
  await refuseSettings(services, owner, { settings, pointer: "/agent/settings" });
  const { rule } = services.repositoryHost;
  const faults = deliveryFaults(deliver, settings, { owner, rule });
  if (faults.length > 0) throw invalid(faults);
  await refuseMissingSecrets(services, settings);
  refuseFullLine(services, owner, resolveAgent(settings).machineType);
  await refuseLostTree(services, tree);
}

/** A stored agent may name secrets that are still to be added; a run may not. */
async function refuseMissingSecrets(
  { secrets }: Pick<Services, "secrets">,
  settings: Order["settings"],
): Promise<void> {
  const faults = await Promise.all(
    namedSecrets(settings).map(async ({ pointer, secret }) => {
      const detail = await secrets.faultOf(secret);
      return detail === undefined ? [] : [{ pointer: `/agent/settings${pointer}`, detail }];
    }),
  );
  if (faults.flat().length > 0) throw invalid(faults.flat());
}

/** What decides whether settings may be used. */
type Judges = Pick<Services, "secretRule" | "schemas" | "repositoryHost">;

/**
 * @param of.pointer to the settings in the request's body
 * @throws {AppError} invalid
 */
export async function refuseSettings(
  { secretRule, schemas, repositoryHost: { rule } }: Judges,
  owner: string,
  { settings, pointer }: { settings: Order["settings"]; pointer: string },
): Promise<void> {
  const bytes = utf8Length(JSON.stringify(settings));
  if (bytes > RUN_LIMITS.settingsBytes) {
    const detail = `have ${bytes} bytes as JSON; at most ${RUN_LIMITS.settingsBytes} are accepted`;
    throw invalid([{ pointer, detail }]);
  }
  const faults = [
    ...secretFaults(settings, owner, secretRule),
    ...mcpFaults(settings),
    ...checkFaults(settings),
    ...repositoryFaults(settings),
    ...appFaults(settings, { owner, rule }),
  ];
  if (faults.length > 0) {
    throw invalid(faults.map((one) => ({ ...one, pointer: `${pointer}${one.pointer}` })));
  }
  const fault = settings.outputSchema && (await schemas.fault(owner, settings.outputSchema));
  if (fault !== undefined) throw invalid([{ pointer: `${pointer}/outputSchema`, detail: fault }]);
}
