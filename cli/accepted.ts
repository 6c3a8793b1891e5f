import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { waitFor } from "../client/connection.ts";
import type { Run } from "../client/types.ts";
import { applyRun } from "./apply.ts";
import { deliveryTexts, resultsOf } from "./delivery.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { usageFault } from "./failure.ts";
import { Detached, watchInterrupts } from "./follow/detach.ts";
import { watchRuns } from "./follow/watch-runs.ts";
import { type JsonPrinter, jsonPrinter, RUN_FIELDS } from "./json.ts";
import type { RemoteOptions, Session } from "./session.ts";
import { withJson } from "./settings-flags.ts";
import { complain, oneLine, say } from "./terminal.ts";
import { typed } from "./typed.ts";

export interface AcceptFlags extends RemoteOptions {
  idempotencyKey?: string;
  wait?: boolean;
  detach?: boolean;
  apply?: boolean;
  strict?: boolean;
}

/** Gives a command the options that say what happens after its run was accepted. */
export function withAcceptance(command: Command): Command {
  command
    .option("--idempotency-key <KEY>", "the same key makes the same run, however often it is sent")
    .option("--wait", "follow the run to its end (the default)")
    .option("--detach", "print the run's id and do not follow it")
    .option("--apply", "apply what it changed to this working tree, if it succeeds")
    .option("--strict", "exit with 4 if tools were denied, or something is not kept");
  return withJson(command, "the run, whenever it changes,");
}

/**
 * Has a run accepted, once, and deals with it as the options say.
 *
 * @param send makes the request, with what makes it one however often it is sent
 */
export async function accepted(
  given: { readonly session: Session; options: AcceptFlags },
  send: (once: { idempotencyKey: string; signal: AbortSignal }) => Promise<Run>,
): Promise<ExitCode> {
  const { options } = given;
  if (options.detach) refuseAny("--detach", options, ["wait", "apply", "strict"]);
  const print = jsonPrinter(options.json, RUN_FIELDS);
  const { session } = given;
  const run = await sent(options, send);
  if (run === undefined) return EXIT.detached;
  if (options.detach) return leave(run, session, print);
  if (!print) complain(oneLine(run.id));
  const isStrict = options.strict;
  const watched = await watchRuns([run.id], { ...session, print, isStrict, known: run });
  const [ended] = watched.runs;
  if (ended && !print) await sayDelivery(ended, session);
  if (!options.apply || ended?.status !== "succeeded") return watched.code;
  const applied = await applyRun(ended, session.client, { env: session.env, is3way: false });
  return applied === EXIT.done ? watched.code : applied;
}

/** A delivery begins when its run is over: it is waited for so long, … */
const DELIVERY_MS = 60_000;
/** … and looked at so often. */
const LOOK_MS = 1000;

/** Says what becomes of a run's deliveries, or that they are still to come. */
async function sayDelivery(run: Run, session: Session): Promise<void> {
  const isWaiting = (one: Run) => resultsOf(one).some(({ delivery }) => delivery === "waiting");
  if (!isWaiting(run)) return;
  using interrupts = watchInterrupts();
  const signal = AbortSignal.any([interrupts.signal, AbortSignal.timeout(DELIVERY_MS)]);
  let last = run;
  try {
    while (isWaiting(last)) {
      await waitFor(LOOK_MS, signal);
      last = await session.client.runs.get(run.id, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  for (const text of deliveryTexts(last)) complain(`Delivered   ${text}`);
}

type Said = "wait" | "detach" | "apply" | "strict";

/** @throws {Failure} if one of these flags was said, which mean nothing beside `flag` */
export function refuseAny(flag: string, options: AcceptFlags, others: readonly Said[]): void {
  const other = others.find((name) => options[name]);
  if (other !== undefined) throw usageFault(`${flag} and --${other}: say one of them`);
}

async function sent(
  { idempotencyKey = randomUUID() }: AcceptFlags,
  send: (once: { idempotencyKey: string; signal: AbortSignal }) => Promise<Run>,
): Promise<Run | undefined> {
  using interrupts = watchInterrupts();
  try {
    return await send({ idempotencyKey, signal: interrupts.signal });
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    complain(
      `Broken off while sending: the run may have been accepted. With --idempotency-key ${idempotencyKey} the same command makes no second one.`,
    );
    return undefined;
  }
}

function leave(run: Run, { place }: Session, print: JsonPrinter | undefined): ExitCode {
  if (print) print(run);
  else say(oneLine(run.id));
  complain(`Follow it with: ${typed(["watch", run.id], place)}`);
  return EXIT.done;
}
