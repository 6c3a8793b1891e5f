import type { Response } from "express";
import type { Order } from "../../shared/accept.ts";
import {
  type Agent,
  CreateAgent,
  placeAgent,
  reviseAgent,
} from "../../shared/agent.ts";
import { AgentSettings } from "../../shared/agent-settings.ts";
import { LegacyAgentContent, LegacyAgentPrompt, LegacyPrompt } from "../../shared/api/legacy.ts";
import { AppError } from "../../shared/errors.ts";
import { STREAMS } from "../../shared/limits.ts";
import type { Run } from "../../shared/run-schema.ts";
import { type Part, positionOf } from "../cloud/page-query.ts";
import type { Services } from "../services.ts";
import { placeOrder, refuseSettings } from "./accept-order.ts";
import { atVersion, changeAgent, ownAgent, ownAgentOf, storeAgent } from "./agents.ts";
import { invalid, validBody } from "./body.ts";
import type { Call, Handler } from "./call.ts";
import { agentOfLatest, conversationOf, placeTurn } from "./conversations.ts";
import { hangUp } from "./hang-up.ts";
import { prefersAsync, waitSecondsOf } from "./prefer.ts";
import { waitForRun } from "./wait-for-run.ts";

/*
 * The endpoints of the service before this one, by the new resources, for clients that know no others.
 *
 * - They answer `{"result": "성공", …}` or `{"error": MESSAGE}`, and ignore properties that they do not know.
 * - Their refusals: 400 whatever is wrong with the request, 404 for what is not there, 409 for an
 *   Idempotency-Key of another body, 429 and 503 with Retry-After. What that service had none of (keys,
 *   scopes, sizes, methods) is refused in the words of this one.
 * - A run that failed or was cancelled is 500; one that did not end, in its own time or while the caller
 *   waited, is 504. Both have `runId`, with which GET /v1/runs/{id} tells the rest.
 * - A turn of a conversation in which another is at work waits for that one: there was no word for "busy".
 * - An agent has one level: its settings stand beside its name, and `prompt` is its instructions. A deleted
 *   agent is archived; here it is as if it were gone.
 */

/** `POST /api/conversation`: runs a prompt, and waits for it unless it is told otherwise. */
export const legacyConverse = inOldWords(async (services, call) => {
  const run = await converse(services, call);
  const prefer = call.request.headers["prefer"]?.toString();
  const isAsync = prefersAsync(prefer);
  const seconds = waitSecondsOf(prefer) || (isAsync ? 0 : STREAMS.waitSeconds);
  const signal = hangUp(call.response, [services.closing]);
  const latest = seconds === 0 ? run : await waitForRun(services, run.id, { seconds, signal });
  if (latest?.done) answerEnd(call.response, latest);
  else if (isAsync) answerAccepted(call.response, run);
  else answerFailure(call.response, run, { status: 504, error: stillGoingOn(run, seconds) });
});

async function converse(services: Services, call: Call): Promise<Run> {
  const { prompt, agentId, conversationId } = validBody(call.request, LegacyPrompt);
  const agent = agentId ? await orderedAgent(services, call, agentId) : undefined;
  if (!conversationId) {
    const chosen = agent ?? { agent: null, settings: {}, labels: {} };
    return placeOrder(services, call, { prompt, ...chosen, parentRunId: null });
  }
  const conversation = await conversationOf(services, call.owner, conversationId);
  const chosen = agent ?? (await agentOfLatest(services, conversation));
  return placeTurn(services, call, {
    conversationId: conversation.id,
    order: { prompt, ...chosen, parentRunId: null },
    refuses: () => undefined,
  });
}

/** `POST /agents/{id}/run`: runs an agent, without waiting. */
export const legacyRunAgent = inOldWords(async (services, call) => {
  const body = validBody(call.request, LegacyAgentPrompt, { isOptional: true });
  const chosen = await orderedAgent(services, call, String(call.request.params["id"]));
  const prompt = body.prompt || chosen.settings.instructions;
  if (!prompt?.trim()) throw invalid([{ pointer: "/prompt", detail: "is required" }]);
  answerAccepted(call.response, await placeOrder(services, call, { prompt, ...chosen, parentRunId: null }));
});

/** `GET /agents`: all of them, newest first, each as soon as it has been read. */
export const legacyListAgents = inOldWords(async ({ agents }, { response, owner }) => {
  response.type("json");
  let separator = "[";
  let part: Part = { limit: 20 };
  for (;;) {
    const found = await agents.list({ owner, archived: false }, part);
    for (const agent of found) {
      response.write(separator + JSON.stringify(flat(agent)));
      separator = ",";
    }
    const last = found.at(-1);
    if (last === undefined || found.length < part.limit) break;
    part = { ...part, after: positionOf(last) };
  }
  response.end(separator === "[" ? "[]" : "]");
});

/** `GET /agents/{id}` */
export const legacyGetAgent = inOldWords(async (services, call) => {
  call.response.json(flat(present(await ownAgent(services, call))));
});

/** `POST /agents` */
export const legacyCreateAgent = inOldWords(async (services, call) => {
  const agent = await storeAgent(services, call, contentOf(call));
  call.response.status(201).json(flat(agent));
});

/** `PUT /agents/{id}`: what is left out gets its default. */
export const legacyReplaceAgent = inOldWords(async (services, call) => {
  const content = contentOf(call);
  refuseSettings(content.settings, "");
  const replace = (agent: Agent, now: Date) => reviseAgent(present(agent), content, now);
  call.response.json(flat(await changeAgent(services, call, replace)));
});

/** `DELETE /agents/{id}` */
export const legacyDeleteAgent = inOldWords(async (services, call) => {
  const archive = (agent: Agent, now: Date) => placeAgent(present(agent), "archive", now);
  await changeAgent(services, call, archive);
  call.response.json({ result: "성공" });
});
