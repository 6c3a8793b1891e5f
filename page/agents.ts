import { signal } from "@preact/signals";
import type { Agent, Run } from "../client/types.ts";
import { api, endedSession } from "./session.ts";

/** The stored agents that are not archived, by id. */
export const agents = signal<ReadonlyMap<string, Agent>>(new Map());

export async function loadAgents(): Promise<void> {
  try {
    const found = new Map<string, Agent>();
    for await (const agent of api().agents.list({ pageSize: 100 })) found.set(agent.id, agent);
    agents.value = found;
  } catch (error) {
    // Without their names agents are shown by their ids.
    endedSession(error);
  }
}

/** `fixer v7`; empty for settings of its own. */
export function agentText({ agent }: Run): string {
  if (agent === null) return "";
  return `${agents.value.get(agent.id)?.name ?? agent.id} v${agent.version}`;
}
