import type { AgentFacts, BuildManifest } from "../../shared/documents/manifest.ts";
import { factsWithoutAgent } from "./engines/claude-code/facts.ts";
import type { Seen } from "./engines/claude-code/stream-json.ts";
import type { ModelAccess } from "./model/access.ts";
import type { Passed } from "./model/passed.ts";
import type { Arrangement } from "./sandbox/place.ts";
import type { Beginning } from "./workspace/prepare.ts";

/** Where an agent works. */
interface Workplace {
  arrangement: Arrangement;
  model: ModelAccess;
  /** The common limit of all that is done there, in milliseconds since the epoch. */
  deadlineAt: number;
}

/** What came out of the agent's part of an attempt. */
export interface AgentOutcome {
  agent: BuildManifest["agent"];
  facts: AgentFacts;
  /** The whole result line, if there was one. */
  result: Record<string, unknown> | undefined;
  /** The session and the workspace that the agent began with; absent if it never came so far. */
  beginning: Beginning | undefined;
  /** What passed between the agent and its model; absent if it never came so far. */
  passed: Passed | undefined;
  /** The lines of the session that the runner restored. */
  restored: ReadonlySet<string>;
  /** Where it works; absent if it never came so far. */
  workplace: Workplace | undefined;
  /** What was seen of the agent in all its rounds; absent if it never came so far. */
  seen: Seen | undefined;
  /** Stores what the attempt has come to; absent if it never came so far. */
  checkpoint: (() => Promise<void>) | undefined;
  /** Names of the logs among the outputs' files. */
  logs: string[];
}

export const noOutcomeYet = (wantsStructuredOutput: boolean): AgentOutcome => ({
  agent: { name: "claude-code", version: "unknown" },
  facts: factsWithoutAgent({}, wantsStructuredOutput),
  result: undefined,
  beginning: undefined,
  passed: undefined,
  restored: new Set(),
  workplace: undefined,
  seen: undefined,
  checkpoint: undefined,
  logs: [],
});
