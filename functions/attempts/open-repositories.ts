import { isOfApp, type PlacedRepository, repositoriesOf } from "../../shared/agent/repository.ts";
import { appReadable } from "../../shared/delivery/repository-name.ts";
import { type RepositoryTokens, sealTokens } from "../../shared/delivery/repository-tokens.ts";
import { TokensKey } from "../../shared/documents/event.ts";
import { AppError } from "../../shared/errors.ts";
import { isRunId } from "../../shared/ids.ts";
import { TIMING } from "../../shared/limits.ts";
import { Type } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { aboutRun } from "../log.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";

const validate = validatorOf(
  Type.Object({
    runId: Type.String(),
    attempt: Type.Integer({ minimum: 1 }),
    publicKey: TokensKey,
  }),
);

/** Whether a message of `run-deliveries` is a build's that wants its repositories opened. */
export const isOpening = (message: unknown): boolean =>
  typeof message === "object" && message !== null && "publicKey" in message;

/**
 * Handles a build's wish for tokens of the GitHub App: makes one for each repository that its run
 * reads with the App, for reading that one alone, and leaves them among the attempt's objects,
 * sealed for the build. Whose runs may is asked now, whatever was so when the run was accepted. A
 * message that comes again finds what was left.
 *
 * @throws if GitHub does not answer now
 */
export async function openRepositories(services: Services, message: unknown): Promise<void> {
  const valid = validate(message);
  if (!valid.ok || !isRunId(valid.value.runId)) {
    throw new AppError("invalid", { detail: "not a message of run-deliveries" });
  }
  const { runId, attempt, publicKey } = valid.value;
  const record = await services.runs.getRecord(runId);
  if (!record || record.run.done || record.state.attempt !== attempt) return;
  const { artifacts, objects } = services;
  const { tokens: place } = pathsOf(record);
  if ((await objects.find(artifacts.bucketName, place)) !== undefined) return;
  const request = await services.runs.getRequest(runId);
  if (request === undefined) return;
  const made = await tokensOf(services, repositoriesOf(request.settings), record.run.owner);
  if ("refused" in made) services.log("WARNING", made.refused, aboutRun(record));
  await artifacts.putTokens(place, sealTokens(made, publicKey, place));
}

/** @throws {AppError} unavailable */
async function tokensOf(
  services: Services,
  repositories: readonly PlacedRepository[],
  owner: string,
): Promise<RepositoryTokens> {
  try {
    const tokens: string[] = [];
    for (const repository of repositories) {
      tokens.push(isOfApp(repository) ? await tokenOf(services, repository, owner) : "");
    }
    return { tokens };
  } catch (error) {
    if (!(error instanceof DeliveryFault)) throw error;
    const { message: why, retryAfterSeconds } = error;
    if (retryAfterSeconds === undefined) return { refused: why };
    throw new AppError("unavailable", { detail: why, cause: error });
  }
}

function tokenOf(
  { repositoryHost, closing }: Services,
  { url }: PlacedRepository,
  owner: string,
): Promise<string> {
  const name = appReadable(url, owner, repositoryHost.rule);
  if ("fault" in name) throw new DeliveryFault(`The GitHub App ${name.fault}.`);
  const inTime = AbortSignal.timeout(TIMING.handlerBudget * 1000);
  return repositoryHost.readToken(name, AbortSignal.any([inTime, closing]));
}
