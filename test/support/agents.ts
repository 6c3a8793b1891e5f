import { ask } from "./api.ts";
import type { World } from "./world.ts";

/** Settings of the agents that tests make. */
export const SETTINGS = { instructions: "Be brief.", maxTurns: 3, tools: ["Read", "Edit"] };

/** What a test of agents asks the API. */
export function agentCalls(world: () => World) {
  const call = (line: string, body?: unknown, headers: Record<string, string> = {}) =>
    ask(world(), line, { headers, ...(body !== undefined && { body }) });
  return {
    call,
    /** A new agent, as the API answers it. */
    async createAgent(overrides: object = {}) {
      const content = { name: "reviewer", labels: { team: "a" }, settings: SETTINGS, ...overrides };
      const { status, body } = await call("POST /agents", content);
      if (status === 201) return body;
      throw new Error(`POST /agents answered ${status}: ${JSON.stringify(body)}`);
    },
    /** A merge patch; unless told otherwise it does not ask for a revision. */
    patchAgent: (
      id: string,
      patch: unknown,
      headers: Record<string, string> = { "if-match": "*" },
    ) =>
      call(`PATCH /agents/${id}`, patch, {
        "content-type": "application/merge-patch+json",
        ...headers,
      }),
  };
}
