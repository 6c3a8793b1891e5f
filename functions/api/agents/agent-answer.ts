import { Agent, type AgentVersion } from "../../../shared/agent/agent.ts";
import type { TObject } from "../../../shared/schema/type.ts";
import type { Call } from "../http/call.ts";

/** Answers with an agent, and with its ETag. */
export function answerAgent({ response }: Call, agent: Agent): void {
  response.set("ETag", etagOf(agent)).json(inOrderOf(Agent, agent));
}

export const etagOf = ({ revision }: Agent): string => `"${revision}"`;

/** A document's fields come back in alphabetical order; people read them in the schema's. */
export function inOrderOf(schema: TObject, value: Agent | AgentVersion): object {
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(Object.keys(schema.properties).map((name) => [name, fields.get(name)]));
}
