import { hiddenOf } from "../../../shared/agent/credential.ts";
import { newTokensKey, type RepositoryTokens } from "../../../shared/delivery/repository-tokens.ts";
import { TIMING } from "../../../shared/limits.ts";
import { reportOpening } from "../engines/progress.ts";
import type { AgentWork } from "../supervision.ts";

const LOOK_MS = 500;

/** What asking depends on. */
type Asking = Pick<
  AgentWork,
  "input" | "buildId" | "paths" | "objectsIn" | "clock" | "hiding" | "isCancelled" | "terminated"
>;

/**
 * What gets an attempt its tokens of the GitHub App, once. They are asked for when they are needed
 * and last an hour from then; the function that has the App's key leaves them among the attempt's
 * objects, sealed for a key that never leaves this process.
 *
 * @returns throws if they do not come in time, or nobody wants them any more
 */
export function tokensFor(work: Asking): () => Promise<RepositoryTokens> {
  let asked: Promise<RepositoryTokens> | undefined;
  return () => {
    asked ??= ask(work);
    return asked;
  };
}

async function ask(work: Asking): Promise<RepositoryTokens> {
  const { input, buildId, paths, objectsIn, clock, hiding } = work;
  const { attempt } = input;
  const report = { ...attempt.progress, attempt: attempt.attempt, buildId };
  const objects = objectsIn(attempt.bucket);
  const key = newTokensKey();
  const until = clock.now() + TIMING.tokens * 1000;
  let problem: string | undefined;
  for (let askAt = clock.now(); clock.now() < until; ) {
    if (clock.now() >= askAt) {
      problem = await reportOpening(report, key.publicKey);
      askAt = clock.now() + (problem === undefined ? TIMING.tokensAsked * 1000 : LOOK_MS);
    }
    const sealed = await objects.find(paths.tokens);
    if (sealed !== undefined) {
      const told = key.open(sealed.toString(), paths.tokens);
      if ("tokens" in told) hiding.add(told.tokens.filter(Boolean).flatMap(hiddenOf));
      return told;
    }
    if (work.terminated.aborted || (await work.isCancelled().catch(() => false))) {
      throw new Error("nobody waits for the repositories any more");
    }
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
  const why = problem === undefined ? "" : `: ${problem}`;
  throw new Error(`the GitHub App's tokens for the repositories did not come in time${why}`);
}
