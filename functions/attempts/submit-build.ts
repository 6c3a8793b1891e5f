import { namedSecrets, secretFaults } from "../../shared/agent/environment.ts";
import type { AgentSettings } from "../../shared/agent/settings.ts";
import type { Outcome } from "../../shared/attempt/outcomes.ts";
import { parentOf, type Target } from "../../shared/capacity/target.ts";
import { after } from "../../shared/clock.ts";
import { AppError, type Fault } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { base62 } from "../../shared/ids.ts";
import { CAPACITY, RUN_LIMITS, TIMING } from "../../shared/limits.ts";
import type { BuildInput, RunRecord } from "../../shared/run/record.ts";
import { continuing, type TraceContext } from "../../shared/run/trace.ts";
import { Type } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { truncateUtf8 } from "../../shared/text.ts";
import { aboutRun } from "../log.ts";
import type { Creation } from "../services/builds.ts";
import type { Transacted } from "../services/runs.ts";
import type { Services } from "../services/services.ts";
import { type FoundSlot, findSlot, ownSlot } from "./admit.ts";
import { pathsOf } from "./attempt-outcome.ts";
import { createBuild, type Submission } from "./create-build.ts";
import { admit, adopt, applyEvent, claimantOf, settle } from "./settle-attempt.ts";

const validateMessage = validatorOf(
  Type.Union([
    Type.Object({ runId: Type.String(), attempt: Type.Integer({ minimum: 1 }) }),
    Type.Object({ admit: Type.String() }),
  ]),
);

const DAY_SPENT = "Its owner's budget of the day is spent; the next day begins at midnight UTC.";

/** How often a slot is looked for that others take first, before the run waits in its line. */
const LOOKS = 3;

/**
 * Handles a message of `run-requests`: takes the attempt's lease with a slot, uploads its input and
 * creates its build, once; without a slot it waits in its owner's line. A message for an attempt
 * that somebody holds, or that is over, is done with.
 *
 * @param sent.trace where in a trace the message says that it was sent from
 */
export async function submitBuild(
  services: Services,
  message: unknown,
  { trace: told = null }: { trace?: TraceContext | null } = {},
): Promise<void> {
  const from = services.now();
  const valid = validateMessage(message);
  if (!valid.ok) {
    throw new AppError("invalid", {
      detail: "not a message of run-requests",
      faults: valid.faults,
    });
  }
  if ("admit" in valid.value) return admit(services, valid.value.admit);
  const { runId, attempt } = valid.value;
  const giveUpAt = after(from, TIMING.handlerBudget - TIMING.createBuildDeadline);
  const record = await services.runs.getRecord(runId);
  if (record === undefined) {
    // Published only after its commit: a run that is not there yet is there on the next delivery.
    throw new AppError("unavailable", { detail: `run ${runId} is not there` });
  }
  const { phase, attempt: current, line, machineType, trace } = record.state;
  if (phase !== "pending" || current !== attempt) return;
  if (line !== null) return admit(services, machineType);
  const span = {
    name: "submit-build",
    kind: "consumer",
    parent: continuing(trace, told),
    from,
    facts: { "runyard.run.id": runId, "runyard.attempt": attempt },
  } as const;
  await services.telemetry.within(span, async (context) => {
    const progressToken = base62(services.random(16));
    const leased = await lease(services, record, {
      progressTokenHash: sha256(progressToken),
      giveUpAt,
      trace: context,
    });
    if (leased === undefined) return;
    await submit(services, leased.record, { target: leased.target, progressToken, giveUpAt });
  });
}

/**
 * Takes the lease with the run's slot, or with one that is free while nobody waits; else the run
 * waits.
 */
async function lease(
  services: Services,
  record: RunRecord,
  {
    giveUpAt,
    ...ofLease
  }: { progressTokenHash: string; giveUpAt: Date; trace: TraceContext | null },
): Promise<{ record: RunRecord; target: Target } | undefined> {
  const { attempt, machineType, slot: own } = record.state;
  for (let look = 0; look < LOOKS; look += 1) {
    const found = await slotFor(services, { machineType, own });
    if (found === undefined) break;
    const { id, target } = found;
    const slot = { id, target: target.id, parent: parentOf(target) };
    const event = { type: "lease", attempt, slot, ...ofLease } as const;
    const leased = await applyEvent(services, record, event);
    if (leased?.hindrance === undefined) return leased && begun(leased, target);
    if (leased.hindrance === "no token") {
      await waitForToken(services, leased.waitSeconds ?? 0, giveUpAt);
    } else if (own !== null) break;
  }
  if (own !== null) {
    throw new AppError("unavailable", { detail: `run ${record.run.id} cannot use its slot now` });
  }
  const cause = await missingSlots(services, machineType);
  await applyEvent(services, record, { type: "park", attempt, ...(cause && { cause }) });
  return undefined;
}

/** Undefined: the lease was refused, or the run is pending again, and waits for its owner's day. */
const begun = ({ changed, record }: Transacted, target: Target) =>
  changed && record.state.phase === "submitting" ? { record, target } : undefined;

/** What somebody has to do before there is any slot at all; undefined: there are some. */
async function missingSlots(
  { capacity, log }: Services,
  machineType: string,
): Promise<string | undefined> {
  const targets = await capacity.targets();
  if (targets.some(({ slots }) => (slots[machineType] ?? 0) > 0)) return undefined;
  const cause = `no target has any for ${machineType} (npx runyard capacity --help)`;
  log("WARNING", cause);
  return cause;
}

async function slotFor(
  services: Services,
  { machineType, own }: { machineType: string; own: string | null },
): Promise<FoundSlot | undefined> {
  if (own !== null) return ownSlot(services, own);
  return (await services.capacity.someWait(machineType))
    ? undefined
    : findSlot(services, machineType);
}

async function waitForToken(services: Services, seconds: number, giveUpAt: Date): Promise<void> {
  const until = after(services.now(), seconds);
  if (seconds > CAPACITY.tokenWait || until >= giveUpAt) {
    throw new AppError("unavailable", { detail: "no build may be created now" });
  }
  await new Promise<void>((resolve) => void services.timers.after(seconds * 1000, resolve));
}

/** Creates the build of a lease, unless something forbids it by now. */
async function submit(
  services: Services,
  record: RunRecord,
  { target, progressToken, giveUpAt }: { target: Target; progressToken: string; giveUpAt: Date },
): Promise<void> {
  const request = await services.runs.getRequest(record.run.id);
  if (request === undefined) throw new Error(`run ${record.run.id} has no request`);
  // It may have been accepted when the operator's table was another.
  const faults = secretFaults(request.settings, record.run.owner, services.secretRule);
  if (faults.length > 0) {
    const reason = refusalOf(faults, request.settings);
    await recordRefusal(services, record, { outcome: "secret_refused", reason });
    return;
  }
  if (record.state.asideMicros === 0) {
    await recordRefusal(services, record, { outcome: "budget_exhausted", reason: DAY_SPENT });
    return;
  }
  const creation = await createBuild(services, record, {
    request,
    target,
    progressToken,
    giveUpAt,
  });
  await recordCreation(services, record, creation);
}

/**
 * Names each variable and credential that is refused, and the setting that decides about secrets.
 */
function refusalOf(faults: readonly Fault[], settings: AgentSettings): string {
  const secrets = new Map(namedSecrets(settings).map(({ pointer, secret }) => [pointer, secret]));
  const described = faults.map(({ pointer, detail }) => {
    const [, , name = ""] = pointer.split("/");
    const what = pointer.startsWith("/repositor") ? credentialText(pointer) : name;
    const isOfSecret = secrets.has(pointer);
    const secret = secrets.get(pointer) ?? secrets.get(`${pointer}/secret`);
    const decides = isOfSecret ? " (RUNYARD_SECRET_PREFIXES, as it is now)" : "";
    return `${what} from ${secret} ${detail}${decides}`;
  });
  return `The run's secrets are refused: ${described.join("; ")}.`;
}

const credentialText = (pointer: string): string =>
  pointer.startsWith("/repository/")
    ? "the repository's credential"
    : `the credential of ${pointer.replace(/^\/|\/credential.*$/g, "")}`;

async function recordCreation(
  services: Services,
  record: RunRecord,
  { creation, input }: Submission,
): Promise<void> {
  const { attempt } = record.state;
  switch (creation.kind) {
    case "created":
      await applyEvent(services, record, { type: "submitted", attempt, build: creation.build });
      return;
    case "denied":
      if (isDeniedForGood(record)) await recordRejection(services, record, creation.message);
      else await defer(services, record, { creation, input });
      return;
    case "deferred":
      await defer(services, record, { creation, input });
      return;
    case "rejected":
      await recordRejection(services, record, creation.message);
      return;
    case "unknown":
      // The build may exist. Trying again now could double it; the lease's end decides by the
      // claim.
      services.log(
        "WARNING",
        `CreateBuild: no known outcome: ${creation.message}`,
        aboutRun(record),
      );
      return;
  }
}

const CAUSES = {
  deferred: (message: string) => message,
  denied: (message: string) => `Cloud Build denies it, which may pass: ${message}`,
};

async function defer(
  services: Services,
  record: RunRecord,
  {
    creation,
    input,
  }: { creation: Exclude<Creation, { kind: "created" }>; input: BuildInput | null },
): Promise<void> {
  const { attempt } = record.state;
  const denied = creation.kind === "denied";
  const cause = truncateUtf8(CAUSES[denied ? "denied" : "deferred"](creation.message), 500);
  await applyEvent(services, record, { type: "deferred", attempt, denied, cause, input });
}

/** A role that was given has been honoured by then. */
function isDeniedForGood({ state: { deniedSince, leaseUntil } }: RunRecord): boolean {
  if (deniedSince === null || leaseUntil === null) return false;
  return leaseUntil >= after(deniedSince, CAPACITY.denied);
}

const recordRejection = (services: Services, record: RunRecord, message: string): Promise<void> =>
  recordRefusal(services, record, {
    outcome: "build_rejected",
    reason: `Cloud Build refused the build: ${message}`,
  });

/** Ends a run whose attempt gets no build. */
async function recordRefusal(
  services: Services,
  record: RunRecord,
  { outcome, reason }: { outcome: Outcome; reason: string },
): Promise<void> {
  const claim = await services.artifacts.sealClaim(pathsOf(record), "the build was refused");
  if (claim.by === "build") {
    await adopt(services, record, claimantOf(services, record, claim));
    return;
  }
  const message = truncateUtf8(reason, RUN_LIMITS.messageBytes);
  await settle(services, record, {
    settlement: { verdict: { outcome, message, deniedTools: [] }, spentUsd: 0 },
    liveBuild: null,
  });
}
