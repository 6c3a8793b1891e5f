import { secretFaults } from "../../shared/agent/environment.ts";
import { repositoriesOf } from "../../shared/agent/repository.ts";
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
import {
  type Delivered,
  type DeliveryEvent,
  type OwedDelivery,
  type OwedPlace,
  placesOf,
} from "../../shared/run/owed-delivery.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { aboutRun } from "../log.ts";
import { DeliveryFault, type OwedTo } from "../services/repository-host.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";
import { followPullRequest } from "./follow-pull-request.ts";
import { isOpening, openRepositories } from "./open-repositories.ts";
import { applyEvent } from "./settle-attempt.ts";

const validatePullRequest = validatorOf(PullRequestMessage);

/**
 * Handles a message of `run-deliveries`: hands back to its repository what a finished run changed.
 * One at a time does, for as long as a lease holds; whoever dies leaves it to the sweep, which asks
 * again. What the host refuses for good is said in the run. Of several repositories each is taken,
 * tried and noted by itself.
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
  let files: Promise<CommitFile[]> | undefined;
  // One repository after the other; one that is not done is taken up later.
  for (;;) {
    const taken = await applyEvent(services, runId, { type: "deliveryTaken" });
    const { delivery } = taken?.record.state ?? {};
    const place = taken?.changed && delivery ? placesOf(delivery).at(-1) : undefined;
    if (!(taken && delivery && place)) return;
    const { record } = taken;
    const event = await outcomeOf(services, record, {
      ...{ owed: owedTo(services, delivery, place), tries: place.tries },
      files: () => (files ??= commitFilesOf(services, record)),
    });
    await applyEvent(services, record, event);
    if (place.folder === undefined) return;
  }
}

/** With the operator's author, should the request name none. */
function owedTo(
  { commitAuthor }: Services,
  { deliver: asked, branch }: OwedDelivery,
  place: OwedPlace,
): OwedTo {
  return { ...place, branch, deliver: { ...(commitAuthor && { commitAuthor }), ...asked } };
}

interface Handing {
  owed: OwedTo;
  tries: number;
  files(): Promise<CommitFile[]>;
}

/** Hands back to one repository. @returns what became of it */
async function outcomeOf(
  services: Services,
  record: RunRecord,
  { owed, tries, files }: Handing,
): Promise<DeliveryEvent> {
  const { folder } = owed;
  const about = { tries, ...(folder !== undefined && { folder }) };
  try {
    const commit = (await files()).find((file) => file.folder === folder);
    if (commit === undefined) throw new DeliveryFault(NOTHING);
    return {
      ...about,
      type: "delivered",
      result: await handBack(services, record.run, { owed, commit }),
    };
  } catch (error) {
    if (!(error instanceof DeliveryFault)) throw error;
    const { message: why, retryAfterSeconds } = error;
    services.log("WARNING", `not delivered: ${why}`, aboutRun(record));
    return retryAfterSeconds === undefined
      ? { ...about, type: "delivered", result: { delivery: "refused", why } }
      : { ...about, type: "deliveryPutOff", cause: why, retryAfterSeconds };
  }
}

const NOTHING = "The run left nothing that could be committed.";

async function handBack(
  services: Services,
  run: Run,
  { owed, commit }: { owed: OwedTo; commit: CommitFile },
): Promise<Delivered> {
  const { repositoryHost, pushHosts, secretValues } = services;
  const way = await wayOf(services, run, owed);
  if (commit.without !== undefined) {
    throw new DeliveryFault(`${commit.without} Its patch has them.`);
  }
  const signal = AbortSignal.any([
    AbortSignal.timeout(TIMING.handlerBudget * 1000),
    services.closing,
  ]);
  const delivery = { run, owed, commit, signal };
  if ("app" in way) return repositoryHost.deliver({ ...delivery, repository: way.app });
  const credential = await secretValues.read(way.secret);
  return pushHosts.deliver({ ...delivery, credential });
}

/** It may have been accepted when the operator's tables were others. */
async function wayOf(
  { repositoryHost: { rule }, runs, secretRule }: Services,
  { id, owner }: Run,
  { folder = "", url, deliver }: OwedTo,
): Promise<DeliveryWay> {
  const asked = isAtHost(url, rule) ? undefined : await runs.getRequest(id);
  const named = asked && repositoriesOf(asked.settings).find((each) => each.folder === folder);
  const repository = { url, ...(named?.credential && { credential: named.credential }) };
  const way = deliveryWay(repository, deliver, { owner, rule });
  const [refused] = secretFaults({ repository }, owner, secretRule);
  const fault = "detail" in way ? way.detail : refused && `${refused.detail} (its credential)`;
  if ("detail" in way || fault !== undefined) {
    throw new DeliveryFault(`Delivering it ${fault}.`);
  }
  return way;
}

/** What the run's last attempt left to be committed, as its manifest has it. */
async function commitFilesOf(
  { artifacts, objects }: Services,
  record: RunRecord,
): Promise<CommitFile[]> {
  const paths = pathsOf(record);
  const manifest = await artifacts.manifestOf(paths);
  const outputs = manifest?.by === "build" ? manifest.outputs : [];
  const output = outputs.find(({ name }) => name === COMMIT_FILE);
  if (!output?.object.startsWith(paths.outputs) || output.sizeBytes > COMMIT_LIMITS.fileBytes) {
    throw new DeliveryFault(NOTHING);
  }
  const object = await objects.find(artifacts.bucketName, output.object);
  const pieces: Buffer[] = [];
  if (object?.sizeBytes === output.sizeBytes) {
    const range = { start: 0, end: object.sizeBytes - 1 };
    for await (const piece of objects.read(object, range)) pieces.push(piece);
  }
  const content = Buffer.concat(pieces);
  const files = sha256(content) === output.sha256 ? readCommitFile(content) : undefined;
  if (files === undefined) {
    throw new DeliveryFault("What the run left to be committed is gone, or not what it was.");
  }
  return files;
}
