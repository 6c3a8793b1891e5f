import type { OperationId } from "../../shared/api/operations.ts";
import { getAgentVersion, listAgentVersions } from "./agents/agent-versions.ts";
import { archiveAgent, unarchiveAgent } from "./agents/archive-agent.ts";
import { createAgent } from "./agents/create-agent.ts";
import { createAgentRun } from "./agents/create-agent-run.ts";
import { getAgent } from "./agents/get-agent.ts";
import { listAgents } from "./agents/list-agents.ts";
import { patchAgent } from "./agents/patch-agent.ts";
import { createToken } from "./callers/tokens.ts";
import { getDocs, getOpenApi } from "./docs/documents.ts";
import type { Handler } from "./http/call.ts";
import {
  legacyConverse,
  legacyCreateAgent,
  legacyDeleteAgent,
  legacyGetAgent,
  legacyListAgents,
  legacyReplaceAgent,
  legacyRunAgent,
} from "./legacy.ts";
import { getPage, getPageAsset } from "./page/page.ts";
import { archiveRun, unarchiveRun } from "./runs/archive-run.ts";
import { getArtifact, getArtifactsTar, getPatch, listArtifacts } from "./runs/artifacts.ts";
import { cancelRun } from "./runs/cancel-run.ts";
import { createTurn, getConversation, listConversations } from "./runs/conversations.ts";
import { createRun } from "./runs/create-run.ts";
import { deleteRun } from "./runs/delete-run.ts";
import { followRunEvents } from "./runs/follow-run-events.ts";
import { getLogs } from "./runs/get-logs.ts";
import { getRun, getRunRequest } from "./runs/get-run.ts";
import { listRuns } from "./runs/list-runs.ts";
import { continueRun, rerunRun } from "./runs/repeat-run.ts";
import { reportProgress } from "./runs/report-progress.ts";

import { createTrigger } from "./triggers/create-trigger.ts";
import { getTrigger, listFirings, listTriggers } from "./triggers/get-triggers.ts";
import { deleteTrigger, patchTrigger, rotateTriggerSecret } from "./triggers/patch-trigger.ts";
import { redeliverFiring } from "./triggers/redeliver-firing.ts";
import { testNewTrigger, testTrigger } from "./triggers/test-trigger.ts";
import { createUpload } from "./uploads/create-upload.ts";
import { getUsage } from "./usage/get-usage.ts";
import { createWebhook } from "./webhooks/create-webhook.ts";
import {
  listDeliveries,
  listRunDeliveries,
  pingWebhook,
  redeliver,
} from "./webhooks/deliveries.ts";
import {
  deleteWebhook,
  getWebhook,
  listWebhooks,
  patchWebhook,
  rotateWebhook,
} from "./webhooks/webhooks.ts";

/** Loaded by the first call of all. */
const callMcp: Handler<"callMcp"> = async (services, call) => {
  const { serveMcp } = await import("./mcp/serve-mcp.ts");
  await serveMcp(services, call);
};

const getHealth: Handler<"getHealth"> = async (_services, { response }) => {
  response.json({ status: "ok" });
};

/**
 * What answers each operation of the API, by its id. A handler that is missing, one too many, and
 * one under an id that is not its own are type errors: each says in its signature whose calls it
 * takes.
 */
export const HANDLERS: { readonly [Id in OperationId]: Handler<Id> } = {
  archiveAgent,
  archiveRun,
  callMcp,
  cancelRun,
  continueRun,
  createAgent,
  createAgentRun,
  createRun,
  createToken,
  createTrigger,
  createUpload,
  createTurn,
  createWebhook,
  deleteRun,
  deleteTrigger,
  deleteWebhook,
  followRunEvents,
  getAgent,
  getAgentVersion,
  getArtifact,
  getArtifactsTar,
  getConversation,
  getDocs,
  getHealth,
  getLogs,
  getOpenApi,
  getPage,
  getPageAsset,
  getPatch,
  getRun,
  getRunRequest,
  getTrigger,
  getUsage,
  getWebhook,
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
  listConversations,
  listDeliveries,
  listFirings,
  listRunDeliveries,
  listRuns,
  listTriggers,
  listWebhooks,
  patchAgent,
  patchTrigger,
  patchWebhook,
  pingWebhook,
  redeliver,
  redeliverFiring,
  reportProgress,
  rerunRun,
  rotateTriggerSecret,
  rotateWebhook,
  testNewTrigger,
  testTrigger,
  unarchiveAgent,
  unarchiveRun,
};
