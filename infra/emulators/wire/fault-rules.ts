import type { Fault, FaultAction, FaultTrigger } from "./fault.ts";
import { isGoogleStatus } from "./status.ts";

/** What kind of place a fault is at; decides which faults make sense there. */
export type PlaceKind = "unary" | "serverStream" | "bidi" | "http" | "push" | "message";

const CALLS: readonly PlaceKind[] = ["unary", "serverStream", "bidi", "http"];
const MESSAGES: readonly PlaceKind[] = ["push", "message"];

/** A connection is there to be cut; a body that streams in cannot be taken in twice. */
const PLACES: Record<FaultAction["type"], readonly PlaceKind[]> = {
  failBefore: [...CALLS, ...MESSAGES],
  failAfter: [...CALLS, ...MESSAGES],
  delay: [...CALLS, ...MESSAGES],
  duplicate: ["unary", ...MESSAGES],
  reorder: MESSAGES,
  drop: [...CALLS, ...MESSAGES],
  cut: [...CALLS, "push"],
  kill: [...CALLS, ...MESSAGES],
};

/** The beginnings of all methods that some service of the stand-in may have. */
const SERVICES = [
  "google.firestore.v1.Firestore/",
  "google.pubsub.v1.Publisher/",
  "google.pubsub.v1.Subscriber/",
  "google.devtools.cloudbuild.v1.CloudBuild/",
  "google.longrunning.Operations/",
  "storage.",
];

const MESSAGE_PLACES: Record<string, PlaceKind> = { push: "push", "cloud-builds": "message" };

/** Where a fault of this type makes sense. */
export function placeKinds(type: FaultAction["type"]): readonly PlaceKind[] {
  return PLACES[type];
}

/** @throws {Error} always: which fault is wrong, and why */
export function refuse(fault: Fault, index: number, reason: string): never {
  throw new Error(`faults[${index}] (${fault.do.type} at ${fault.method}): ${reason}`);
}

/**
 * Checks what can be checked before a service is there.
 *
 * @throws {Error} that says which fault is wrong, and why
 */
export function checkFault(
  fault: Fault,
  { index, isSeeded }: { index: number; isSeeded: boolean },
): void {
  const kind = MESSAGE_PLACES[fault.method];
  const isKnown = kind !== undefined || SERVICES.some((name) => fault.method.startsWith(name));
  const reason =
    (isKnown ? undefined : "no service of the stand-in has such a method") ??
    actionProblem(fault.do) ??
    (kind === undefined || PLACES[fault.do.type].includes(kind)
      ? undefined
      : `"${fault.do.type}" makes no sense at ${fault.method}`) ??
    triggerProblem(fault.when, isSeeded);
  if (reason !== undefined) refuse(fault, index, reason);
}

function actionProblem(action: FaultAction): string | undefined {
  if (!Object.hasOwn(PLACES, action.type)) return "there is no such fault";
  if ("status" in action && !isGoogleStatus(action.status)) {
    return `${action.status} is no status`;
  }
  if (action.type === "delay" && !(action.ms > 0)) return "ms must be more than 0";
  if (action.type === "reorder" && !((action.withinMs ?? 1) > 0)) {
    return "withinMs must be more than 0";
  }
  return undefined;
}

function triggerProblem(when: FaultTrigger, isSeeded: boolean): string | undefined {
  if ("count" in when) {
    if (!Number.isInteger(when.count) || when.count < 1) return "count must be 1 or more";
    const { after = 0 } = when;
    return Number.isInteger(after) && after >= 0 ? undefined : "after must be 0 or more";
  }
  if ("probability" in when) {
    if (!(when.probability > 0 && when.probability <= 1)) return "probability must be in (0, 1]";
    return isSeeded ? undefined : "a probability needs a seed";
  }
  return typeof when.matches === "function"
    ? undefined
    : "needs a count, a probability or a predicate";
}
