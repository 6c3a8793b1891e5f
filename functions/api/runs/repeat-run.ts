import type { Overrides, Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Order, ResolvedRequest } from "../../../shared/run/accept.ts";
import type { BeforeTurn } from "../../services/runs.ts";
import type { Services } from "../../services/services.ts";
import { acceptRequest, placeOrder } from "../accept/accept-order.ts";
import { workspaceFrom } from "../accept/workspace.ts";
import type { CallOf } from "../http/call.ts";
import { placeTurn } from "./conversations.ts";
import { ownRun, requestOf } from "./own-run.ts";

const GO_ON = "Continue where you left off.";

/**
 * `POST /v1/runs/{id}/rerun`: the same resolved request once more, in a conversation of its own.
 */
export async function rerunRun(services: Services, call: CallOf<"rerunRun">): Promise<void> {
  const run = await ownRun(services, call);
  const overrides = call.body;
  await acceptRequest(services, call, async () => {
    const request = await requestOf(services, run);
    await refuseLostFiles(services, request);
    const order = orderOf(run, request, overrides);
    const { settings } = order;
    const from = { given: request.workspace, settings };
    const begun = await workspaceFrom(services, call.owner, from);
    return placeOrder(services, call, { ...order, ...begun });
  });
}

/**
 * `POST /v1/runs/{id}/continue`: the next turn of the run's conversation, for a run that was
 * stopped before it was done. Without a prompt the agent is told to go on; one whose model had
 * not answered anything yet gets the run's own prompt.
 */
export async function continueRun(services: Services, call: CallOf<"continueRun">): Promise<void> {
  const run = await ownRun(services, call);
  const overrides = call.body;
  await acceptRequest(services, call, async () => {
    refuseUnstopped(run);
    const request = await requestOf(services, run);
    const hasStarted = run.conversation.session !== null && (run.usage?.turns ?? 0) > 0;
    const order = orderOf(run, request, {
      prompt: hasStarted ? GO_ON : request.prompt,
      ...overrides,
    });
    return placeTurn(services, call, {
      conversationId: run.conversation.id,
      // What has begun has them, as its agent left them.
      order: hasStarted ? { ...order, files: [] } : order,
      refuses: (before) => refuseNotLast(run, before),
    });
  });
}

function orderOf(run: Run, request: ResolvedRequest, overrides: Overrides): Order {
  const { prompt = request.prompt, settings, labels } = overrides;
  return {
    prompt,
    // Settings of its own: the run is no longer one of the stored agent's version.
    agent: settings === undefined ? request.agent : null,
    settings: { ...request.settings, ...settings },
    labels: { ...request.labels, ...labels },
    parentRunId: run.id,
    files: request.files,
    tree: request.tree,
    deliver: request.deliver,
  };
}

/** @throws {AppError} upload_expired */
async function refuseLostFiles(
  { uploads }: Services,
  { files = [] }: ResolvedRequest,
): Promise<void> {
  for (const { path, content, encoding } of files) {
    if (encoding !== "object" || (await uploads.isKept(content))) continue;
    const detail = `the upload of ${path} is no longer kept; upload it again, and send a run of its own`;
    throw new AppError("upload_expired", { detail });
  }
}

function refuseUnstopped(run: Run): void {
  if (!run.done) {
    throw new AppError("conflict", { detail: `run ${run.id} is not over; cancel it or wait` });
  }
  const isStopped = ["timed_out", "cancelled", "expired"].includes(run.status);
  if (isStopped || run.error?.kind === "limit") return;
  const detail = `run ${run.id} ${run.status}, and was not stopped by a limit, a timeout or a cancel; send a new turn to /v1/conversations/${run.conversation.id}/runs`;
  throw new AppError("conflict", { detail });
}

function refuseNotLast(run: Run, { conversation: { id, activeRun, lastRun } }: BeforeTurn): void {
  if (activeRun !== null) {
    const detail = `run ${activeRun} is at work in conversation ${id}; wait for it or cancel it`;
    throw new AppError("conversation_busy", { detail });
  }
  if (lastRun === run.id) return;
  const detail = `conversation ${id} went on after run ${run.id} (with ${lastRun}); send a new turn to /v1/conversations/${id}/runs`;
  throw new AppError("conflict", { detail });
}
