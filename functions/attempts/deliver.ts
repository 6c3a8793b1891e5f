import { secretFaults } from "../../shared/agent/environment.ts";
import {
  COMMIT_FILE,
  COMMIT_LIMITS,
  type CommitFile,
  readCommitFile,
} from "../../shared/delivery/commit-file.ts";
import { PullRequestMessage } from "../../shared/delivery/github-hook.ts";
import { type DeliveryWay, deliveryWay, isAtHost } from "../../shared/delivery/repository-name.ts";
import type { Run } from "../../shared/documents/run.ts";
import { sha256 } from "../../shared/hash.ts";
import { isRunId } from "../../shared/ids.ts";
import { TIMING } from "../../shared/limits.ts";
import type { Delivered, OwedDelivery } from "../../shared/run/owed-delivery.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { aboutRun } from "../log.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";
import { followPullRequest } from "./follow-pull-request.ts";
import { isOpening, openRepositories } from "./open-repositories.ts";
import { applyEvent } from "./settle-attempt.ts";

const validatePullRequest = validatorOf(PullRequestMessage);

/**
 * Handles a message of `run-deliveries`: hands back to its repository what a finished run changed.
 * One at a time does, for as long as a lease holds; whoever dies leaves it to the sweep, which asks
 * again. What the host refuses for good is said in the run.
 *
 * The other messages of that topic: a pull request has its runs brought up to date, and a build
 * reads a repository with the host's App, whose key is here alone.
 */
export async function deliver(services: Services, message: unknown): Promise<void> {
  const about = validatePullRequest(message);
  if (about.ok) return followPullRequest(services, about.value);
  if (isOpening(message)) return openRepositories(services, message);
  const { runId } = (message ?? {}) as { runId?: unknown };
  if (typeof runId !== "string" || !isRunId(runId)) return;
  const taken = await applyEvent(services, runId, { type: "deliveryTaken" });
  const tries = taken?.changed && taken.record.state.delivery?.tries;
  if (!taken || !tries) return;
  try {
    const result = await handBack(services, taken.record);
    await applyEvent(services, taken.record, { type: "delivered", tries, result });
  } catch (error) {
    if (!(error instanceof DeliveryFault)) throw error;
    const { message: why, retryAfterSeconds } = error;
    services.log("WARNING", `not delivered: ${why}`, aboutRun(taken.record));
    if (retryAfterSeconds === undefined) {
      const result = { delivery: "refused", why } as const;
      await applyEvent(services, taken.record, { type: "delivered", tries, result });
      return;
    }
    const putOff = { type: "deliveryPutOff", tries, cause: why, retryAfterSeconds } as const;
    await applyEvent(services, taken.record, putOff);
  }
}

async function handBack(services: Services, record: RunRecord): Promise<Delivered> {
  const { repositoryHost } = services;
  const { run, state } = record;
  const owed = state.delivery;
  if (!owed) throw new DeliveryFault("There is nothing to be delivered.");
  const way = await wayOf(services, run, owed);
  const commit = await commitFileOf(services, record);
  if (commit.without !== undefined) {
    throw new DeliveryFault(`${commit.without} Its patch has them.`);
  }
  const signal = AbortSignal.any([
    AbortSignal.timeout(TIMING.handlerBudget * 1000),
    services.closing,
  ]);
  const delivery = { run, owed, commit, signal };
  if ("app" in way) return repositoryHost.deliver({ ...delivery, repository: way.app });
  const credential = await services.secretValues.read(way.secret);
  return services.pushHosts.deliver({ ...delivery, url: owed.url, credential });
}

/** It may have been accepted when the operator's tables were others. */
async function wayOf(
  { repositoryHost: { rule }, runs, secretRule }: Services,
  { id, owner }: Run,
  { url, deliver }: OwedDelivery,
): Promise<DeliveryWay> {
  const asked = isAtHost(url, rule) ? undefined : await runs.getRequest(id);
  const { credential } = asked?.settings.repository ?? {};
  const repository = { url, ...(credential && { credential }) };
  const way = deliveryWay({ repository }, deliver, { owner, rule });
  const [refused] = secretFaults({ repository }, owner, secretRule);
  const fault = "detail" in way ? way.detail : refused && `${refused.detail} (its credential)`;
  if ("detail" in way || fault !== undefined) {
    throw new DeliveryFault(`Delivering it ${fault}.`);
  }
  return way;
}

/** What the run's last attempt left to be committed, as its manifest has it. */
async function commitFileOf(
  { artifacts, objects }: Services,
  record: RunRecord,
): Promise<CommitFile> {
  const paths = pathsOf(record);
  const manifest = await artifacts.manifestOf(paths);
  const outputs = manifest?.by === "build" ? manifest.outputs : [];
  const output = outputs.find(({ name }) => name === COMMIT_FILE);
  if (!output?.object.startsWith(paths.outputs) || output.sizeBytes > COMMIT_LIMITS.fileBytes) {
    throw new DeliveryFault("The run left nothing that could be committed.");
  }
  const object = await objects.find(artifacts.bucketName, output.object);
  const pieces: Buffer[] = [];
  if (object?.sizeBytes === output.sizeBytes) {
    const range = { start: 0, end: object.sizeBytes - 1 };
    for await (const piece of objects.read(object, range)) pieces.push(piece);
  }
  const content = Buffer.concat(pieces);
  const commit = sha256(content) === output.sha256 ? readCommitFile(content) : undefined;
  if (commit === undefined) {
    throw new DeliveryFault("What the run left to be committed is gone, or not what it was.");
  }
  return commit;
}
