import {
  archiveAgent,
  createAgent,
  createAgentRun,
  getAgent,
  getAgentVersion,
  listAgents,
  listAgentVersions,
  patchAgent,
  unarchiveAgent,
} from "./agents.ts";
import { getArtifact, getPatch, listArtifacts } from "./artifacts.ts";
import type { Handler } from "./call.ts";
import { createTurn, getConversation } from "./conversations.ts";
import { createRun } from "./create-run.ts";
import { deleteRun } from "./delete-run.ts";
import { getDocs, getOpenApi } from "./documents.ts";
import { followRunEvents } from "./follow-run-events.ts";
import { getLogs } from "./get-logs.ts";
import {
  legacyConverse,
  legacyCreateAgent,
  legacyDeleteAgent,
  legacyGetAgent,
  legacyListAgents,
  legacyReplaceAgent,
  legacyRunAgent,
} from "./legacy.ts";
import { listRuns } from "./list-runs.ts";
import { continueRun, rerunRun } from "./repeat-run.ts";
import { cancelRun, getRun, getRunRequest, reportProgress } from "./runs.ts";
import { createToken } from "./tokens.ts";

const getHealth: Handler = async (_services, { response }) => {
  response.json({ status: "ok" });
};

/** What answers each operation of `shared/api/operations.ts`, by its id. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  archiveAgent,
  cancelRun,
  continueRun,
  createAgent,
  createAgentRun,
  createRun,
  createToken,
  createTurn,
  deleteRun,
  followRunEvents,
  getAgent,
  getAgentVersion,
  getArtifact,
  getConversation,
  getDocs,
  getHealth,
  getLogs,
  getOpenApi,
  getPatch,
  getRun,
  getRunRequest,
  legacyConverse,
  legacyCreateAgent,
  legacyDeleteAgent,
  legacyGetAgent,
  legacyListAgents,
  legacyReplaceAgent,
  legacyRunAgent,
  listAgentVersions,
  listAgents,
  listArtifacts,
  listRuns,
  patchAgent,
  reportProgress,
  rerunRun,
  unarchiveAgent,
};
