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
import type { Handler } from "./call.ts";
import { createTurn, getConversation } from "./conversations.ts";
import { createRun } from "./create-run.ts";
import { deleteRun } from "./delete-run.ts";
import { getDocs, getOpenApi } from "./documents.ts";
import { listRuns } from "./list-runs.ts";
import { continueRun, rerunRun } from "./repeat-run.ts";
import { cancelRun, getRun, getRunRequest, reportProgress } from "./runs.ts";

const getHealth: Handler = async (_services, { response }) => {
  response.json({ status: "ok" });
};

/** What answers each operation of `shared/api/operations.ts`, by its id. */
export const HANDLERS: Readonly<Record<string, Handler>> = {  archiveAgent,
  cancelRun,
  continueRun,
  createAgent,
  createAgentRun,
  createRun,
  createTurn,
  deleteRun,
  getAgent,
  getAgentVersion,
  getConversation,
  getDocs,
  getHealth,
  getOpenApi,
  getRun,
  getRunRequest,
  listAgentVersions,
  listAgents,
  listRuns,
  patchAgent,
  reportProgress,
  rerunRun,
  unarchiveAgent,
};
