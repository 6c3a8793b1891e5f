import type { Slot } from "../../../shared/capacity/slot.ts";
import { attemptPaths } from "../../../shared/documents/attempt.ts";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import { type Claim, MANIFEST_LIMITS, type Manifest } from "../../../shared/documents/manifest.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import * as invariants from "./invariants.ts";
import type { Hold } from "./witness.ts";

/** What is left where nothing is to be done any more. */
export interface Rest {
  /** By the runs' ids. */
  records: ReadonlyMap<string, RunRecord>;
  /** The content of an object; undefined: there is none. */
  read(name: string): Buffer | undefined;
  /** Names of the objects of a run's attempts. */
  namesOf(runId: string): readonly string[];
  /** Runs of which somebody has ended a build outside. */
  endedOutside: ReadonlySet<string>;
  liveBuilds: readonly { id: string; status: string }[];
  heldSlots: readonly Slot[];
  conversations: readonly Conversation[];
  /** What nobody could handle, by subscriptions. */
  deadLetters: readonly (readonly Buffer[])[];
}

/** Holds what is left to all that must be true of it. */
export function holdAtRest(rest: Rest, hold: Hold): void {
  for (const [id, record] of rest.records) holdRun(rest, hold, { id, record });
  hold("noBuildIsLive", "", invariants.noBuildIsLive(rest.liveBuilds));
  hold("everySlotIsFree", "", invariants.everySlotIsFree(rest.heldSlots));
  for (const conversation of rest.conversations) {
    hold("conversationIsFree", conversation.id, invariants.conversationIsFree(conversation));
  }
  for (const all of rest.deadLetters) {
    // What is said of a run that was deleted meanwhile is of use to nobody.
    const letters = all.filter((letter) => isOfARun(rest, letter));
    hold("noDeadLetters", "", invariants.noDeadLetters(letters));
  }
}

function holdRun(rest: Rest, hold: Hold, { id, record }: { id: string; record: RunRecord }): void {
  hold("everyRunIsOver", id, invariants.everyRunIsOver(record));
  if (!record.run.done) return;
  hold("nothingIsOwed", id, invariants.nothingIsOwed(record));
  const left = leftOf(rest, record);
  hold("successIsTheClaimants", id, invariants.successIsTheClaimants(record, left));
  const stored = { manifest: left.manifest, isWhole: isWhole(rest, left.manifest) };
  hold("whatWasLeftCounts", id, invariants.whatWasLeftCounts(record, stored));
  const all = manifestsOf(rest, id);
  hold("noWorkIsDoneTwice", id, invariants.noWorkIsDoneTwice(record, all));
  hold("successIsWhole", id, invariants.successIsWhole(record, stored));
  const asked = invariants.onlyACancelCancels(record, rest.endedOutside.has(id));
  hold("onlyACancelCancels", id, asked);
}

/** Claim and manifest of the attempt that a run is in. */
export function leftOf(
  { read }: Pick<Rest, "read">,
  { run, state }: RunRecord,
): { claim: Claim | undefined; manifest: Manifest | undefined } {
  const paths = attemptPaths(run.id, state.attempt, state.nonce);
  return {
    claim: parsed<Claim>(read(paths.claim)),
    manifest: parsed<Manifest>(read(paths.manifest)),
  };
}

/** The manifests of all attempts of a run. */
function manifestsOf({ namesOf, read }: Rest, id: string): (Manifest | undefined)[] {
  const names = namesOf(id).filter((name) => name.endsWith("/manifest.json"));
  return names.map((name) => parsed<Manifest>(read(name)));
}

function isOfARun({ records }: Rest, letter: Buffer): boolean {
  const [id = ""] = /run_\w{22}/.exec(letter.toString()) ?? [];
  return records.has(id);
}

/** Whether every output of a manifest is stored as it says. */
function isWhole({ read }: Rest, manifest: Manifest | undefined): boolean {
  if (manifest?.by !== "build") return false;
  return manifest.outputs.every(({ object, sha256: digest }) => {
    const stored = read(object);
    return stored !== undefined && sha256(stored) === digest;
  });
}

function parsed<T>(content: Buffer | undefined): T | undefined {
  if (content === undefined || content.length > MANIFEST_LIMITS.bytes) return undefined;
  return JSON.parse(content.toString()) as T;
}
