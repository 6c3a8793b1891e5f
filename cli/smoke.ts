import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../client/client.ts";
import type { Run } from "../client/types.ts";
import { indented, say } from "./terminal.ts";

/** What is asked for: little, and no command. */
const PROMPT = "Create hello.txt with one line, and say in one sentence that it is there.";
const BUDGET_USD = 0.5;

/** Where a run can stop, and what to look at then. */
const STOPS: Readonly<Record<string, string>> = {
  pending:
    "No build was made of it. Look at the log of submit-build, and at `runyard capacity list`.",
  queued:
    "Cloud Build has its build and has not told that it works. Look at the build, and at the log of record-build-status.",
  running: "Its agent did not end. Look at `runyard transcript` and `runyard logs` of it.",
  cancelling: "Somebody cancels it, and it does not end. Look at the log of sweep.",
};

/** What smoke needs of a client. */
export interface SmokeClient {
  runs: Pick<Client["runs"], "create" | "get">;
}

/**
 * Sends one real run and watches it to its end, a line for each state.
 *
 * @param limit.seconds how long it may take altogether
 * @param limit.pauseMs between two looks
 * @returns whether it succeeded; if not, what was said says where it stopped
 */
export async function smoke(
  { runs }: SmokeClient,
  { seconds, pauseMs = 1000 }: { seconds: number; pauseMs?: number },
): Promise<boolean> {
  const startedAtMs = performance.now();
  const elapsed = () => (performance.now() - startedAtMs) / 1000;
  const line = (status: string, text: string) =>
    say(`${elapsed().toFixed(1).padStart(6)}s ${status.padEnd(10)} ${indented(text, 19)}`);
  let run: Run = await runs.create({
    prompt: PROMPT,
    agent: { settings: { maxBudgetUsd: BUDGET_USD } },
  });
  line(run.status, `accepted as ${run.id}`);
  while (!run.done && elapsed() < seconds) {
    await sleep(pauseMs);
    const next = await runs.get(run.id);
    if (next.status !== run.status && !next.done) line(next.status, next.why ?? "");
    run = next;
  }
  return told(run, { line, seconds });
}

function told(
  run: Run,
  { line, seconds }: { line(status: string, text: string): void; seconds: number },
): boolean {
  if (!run.done) {
    line(run.status, `It stopped here: ${seconds} s are over. ${run.why ?? ""}`.trim());
    line("look", STOPS[run.status] ?? "Look at the logs of the functions.");
    return false;
  }
  if (run.status === "succeeded") {
    line(run.status, "From the request to the result, all of it works.");
    return true;
  }
  const { message = "It says no reason.", remedy } = run.error ?? {};
  line(run.status, message);
  if (remedy) line("look", remedy);
  return false;
}
