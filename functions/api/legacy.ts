import type { Response } from "express";
import { type Agent, type CreateAgent, placeAgent, reviseAgent } from "../../shared/agent/agent.ts";
import { AgentSettings } from "../../shared/agent/settings.ts";
import type { OperationId } from "../../shared/api/operations.ts";
import type { Run } from "../../shared/documents/run.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { STREAMS } from "../../shared/limits.ts";
import { describeError } from "../log.ts";
import { type Part, positionOf } from "../services/page.ts";
import type { Services } from "../services/services.ts";
import { acceptOnce, latestWithin, placeOrder, refuseSettings } from "./accept/accept-order.ts";
import { prefersAsync, waitSecondsOf } from "./accept/prefer.ts";
import { atVersion } from "./agents/chosen-agent.ts";
import { storeAgent } from "./agents/create-agent.ts";
import { changeAgent, noAgent, ownAgent } from "./agents/own-agent.ts";
import { invalid } from "./http/body.ts";
import type { CallOf, Handler } from "./http/call.ts";
import { openStream } from "./http/open-stream.ts";
import { agentOfLatest, conversationOf, placeTurn } from "./runs/conversations.ts";

/*
 * The endpoints of the service before this one, by the new resources, for clients that know no
 * others.
 *
 * - They answer `{"result": "성공", …}` or `{"error": MESSAGE}`, and ignore properties that they do not know.
 * - Their refusals: 400 whatever is wrong with the request, 404 for what is not there, 429 and 503 with
 *   Retry-After. What that service had none of (keys, scopes, sizes, methods) is refused in the words of
 *   this one.
 * - A run that failed or was cancelled is 500; one that did not end, in its own time or while the caller
 *   waited, is 504. Both have `runId`, with which GET /v1/runs/{id} tells the rest.
 * - A turn of a conversation in which another is at work waits for that one: there was no word for "busy".
 * - An agent has one level: its settings stand beside its name, and `prompt` is its instructions. A deleted
 *   agent is archived; here it is as if it were gone.
 */

/** Agents that are read at once. */
const LIST_PART = 20;

/** The largest `result.json` that is read for the sake of its text. */
const RESULT_BYTES = 16 * 1024 * 1024;

/** `POST /api/conversation`: runs a prompt, and waits for it unless it is told otherwise. */
export const legacyConverse = inOldWords<"legacyConverse">(async (services, call) => {
  const run = await acceptOnce(services, call, () => converse(services, call));
  const prefer = call.request.headers["prefer"]?.toString();
  const isAsync = prefersAsync(prefer);
  const seconds = waitSecondsOf(prefer) || (isAsync ? 0 : STREAMS.waitSeconds);
  const latest = await latestWithin(services, run, { seconds, response: call.response });
  if (latest.done) return answerEnd(services, call.response, latest);
  if (isAsync) return answerAccepted(call.response, run);
  const error = `run ${run.id} has not ended yet; GET /v1/runs/${run.id} tells when it has`;
  call.response.status(504).json({ error, ...idsOf(run) });
});

async function converse(services: Services, call: CallOf<"legacyConverse">): Promise<Run> {
  const { prompt, agentId, conversationId } = call.body;
  const agent = agentId ? await orderedAgent(services, call.owner, agentId) : undefined;
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
export const legacyRunAgent = inOldWords<"legacyRunAgent">(async (services, call) => {
  const { body } = call;
  const run = await acceptOnce(services, call, async () => {
    const chosen = await orderedAgent(services, call.owner, call.params.id);
    const prompt = body.prompt || chosen.settings.instructions;
    if (!prompt?.trim()) throw invalid([{ pointer: "/prompt", detail: "is required" }]);
    return placeOrder(services, call, { prompt, ...chosen, parentRunId: null });
  });
  answerAccepted(call.response, run);
});

/** `GET /agents`: all of them, newest first. */
export const legacyListAgents = inOldWords<"legacyListAgents">(
  async ({ agents, timers }, { response, owner }) => {
    const read = (part: Part) => agents.list({ owner, archived: false }, part);
    let found = await read({ limit: LIST_PART });
    response.type("json");
    const { signal, write } = openStream(response, timers);
    await write("[");
    for (let separator = ""; found.length > 0 && !signal.aborted; separator = ",") {
      await write(separator + found.map((agent) => JSON.stringify(flat(agent))).join(","));
      const last = found.at(-1);
      found = await read({ limit: LIST_PART, after: last && positionOf(last) });
    }
    response.end("]");
  },
);

/** `GET /agents/{id}` */
export const legacyGetAgent = inOldWords<"legacyGetAgent">(async (services, call) => {
  call.response.json(flat(await presentAgent(services, call.owner, call.params.id)));
});

/** `POST /agents` */
export const legacyCreateAgent = inOldWords<"legacyCreateAgent">(async (services, call) => {
  const agent = await storeAgent(services, call, inLevels(call.body));
  call.response.status(201).json(flat(agent));
});

/** `PUT /agents/{id}`: what is left out gets its default. */
export const legacyReplaceAgent = inOldWords<"legacyReplaceAgent">(async (services, call) => {
  const content = inLevels(call.body);
  await refuseSettings(services, call.owner, { settings: content.settings, pointer: "" });
  const replace = (agent: Agent, now: Date) => reviseAgent(present(agent), content, now);
  call.response.json(flat(await changeAgent(services, call, replace)));
});

/** `DELETE /agents/{id}` */
export const legacyDeleteAgent = inOldWords<"legacyDeleteAgent">(async (services, call) => {
  const archive = (agent: Agent, now: Date) => placeAgent(present(agent), "archive", now);
  await changeAgent(services, call, archive);
  call.response.json({ result: "성공" });
});

/** An agent that is not archived, with what a run takes from it. */
async function orderedAgent(services: Services, owner: string, id: string) {
  const agent = await presentAgent(services, owner, id);
  return atVersion(services, agent, { pointer: "" });
}

async function presentAgent(services: Services, owner: string, id: string): Promise<Agent> {
  return present(await ownAgent(services, owner, id));
}

/** @throws {AppError} not_found if the agent is archived */
function present(agent: Agent): Agent {
  if (agent.archivedAt === null) return agent;
  throw noAgent(agent.id);
}

/** What an agent without levels says, in the form of the new resource. */
function inLevels(body: CallOf<"legacyCreateAgent">["body"]): Required<CreateAgent> {
  const { name, labels = {}, prompt, ...rest } = body;
  const { instructions = prompt, ...others } = rest;
  const known = Object.entries(others).filter(([key]) =>
    Object.hasOwn(AgentSettings.properties, key),
  );
  const settings = { ...(instructions && { instructions }), ...Object.fromEntries(known) };
  return { name, labels, settings };
}

/** An agent without levels. */
function flat({ id, name, labels, settings, createdAt, updatedAt }: Agent): object {
  const { instructions: prompt = "", ...others } = settings;
  return { id, name, prompt, labels, ...others, createdAt, updatedAt };
}

const idsOf = ({ id, conversation }: Run) => ({ runId: id, conversationId: conversation.id });

/** Answers that a run goes on without the caller. */
function answerAccepted(response: Response, run: Run): void {
  response.status(202).set("Location", `/v1/runs/${run.id}`);
  response.json({ result: "accepted", ...idsOf(run) });
}

async function answerEnd(services: Services, response: Response, run: Run): Promise<void> {
  if (run.status === "succeeded") {
    const output = await wholeText(services, run);
    response.json({ result: "성공", output, ...idsOf(run) });
  } else {
    const status = run.status === "timed_out" ? 504 : 500;
    response.status(status).json({ error: run.error?.message ?? run.why, ...idsOf(run) });
  }
}

/** All that the agent said at its end, of which a run's document may have the beginning only. */
async function wholeText({ objects, artifacts }: Services, run: Run): Promise<string> {
  const text = run.output?.text ?? "";
  const file = run.artifacts.find(({ name }) => name === "result.json");
  if (!run.output?.truncated || file === undefined || file.sizeBytes > RESULT_BYTES) return text;
  const name = file.uri.slice(artifacts.uriOf("").length);
  const object = await objects.find(artifacts.bucketName, name);
  if (object?.sizeBytes !== file.sizeBytes) return text;
  const pieces = await Array.fromAsync(objects.read(object, { start: 0, end: file.sizeBytes - 1 }));
  const bytes = Buffer.concat(pieces);
  if (sha256(bytes) !== file.sha256) return text;
  const { result } = JSON.parse(bytes.toString()) as { result: { result?: unknown } | null };
  return typeof result?.result === "string" ? result.result : text;
}

/** Refusals of the handler as that service put them. */
function inOldWords<Id extends OperationId>(handle: Handler<Id>): Handler<Id> {
  return async (services, call) => {
    try {
      await handle(services, call);
    } catch (error) {
      if (!(error instanceof AppError) || call.response.headersSent) throw error;
      if (error.status >= 500) services.log("ERROR", describeError(error));
      answerRefusal(call.response, error);
    }
  };
}

/** What is wrong with a request, and that a name is the one of several agents. */
const BAD_REQUEST = [409, 415, 422];

function answerRefusal(
  response: Response,
  { status, message, retry, retryAfterSeconds }: AppError,
): void {
  const isBadRequest = BAD_REQUEST.includes(status);
  if (retry) response.set("Retry-After", String(retryAfterSeconds));
  response.status(isBadRequest ? 400 : status).json({ error: message });
}
