import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { namesTag } from "../http/etag.ts";
import { answerAgent, etagOf } from "./agent-answer.ts";
import { ownAgent } from "./own-agent.ts";

/** `GET /v1/agents/{id}` */
export async function getAgent(services: Services, call: CallOf<"getAgent">): Promise<void> {
  const agent = await ownAgent(services, call.owner, call.params.id);
  const isKnown = namesTag(call.request.headers["if-none-match"], etagOf(agent));
  if (!isKnown) return answerAgent(call, agent);
  call.response.status(304).set("ETag", etagOf(agent)).end();
}
