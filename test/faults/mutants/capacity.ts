import type { Mutant } from "./mutant.ts";

const ATTEMPT = "functions/attempts/settle-attempt.ts";
const OUTCOME = "functions/attempts/attempt-outcome.ts";
const SETTLE = "shared/run/settle.ts";
const SLOT = "shared/capacity/slot.ts";
const VISITS = "functions/attempts/visit-slots.ts";

/** Guards of slots, and of what Cloud Build's word is worth. */
export const CAPACITY: readonly Mutant[] = [
  {
    name: "slot: freed by the build's end, not the run's",
    file: SETTLE,
    from: "if (liveBuild === null) return slotOf",
    to: "if (liveBuild !== undefined) return slotOf",
  },
  {
    name: "slot: kept by a create without a known outcome",
    file: "functions/attempts/sweep.ts",
    from: 'liveBuild: "unknown",',
    to: "liveBuild: null,",
  },
  {
    name: "slot: an earlier holder changes nothing",
    file: SLOT,
    from: 'if (slot.state === "free" || !isHolder) return undefined;',
    to: 'if (slot.state === "free") return undefined;',
  },
  {
    name: "slot: it has one holder",
    file: SLOT,
    from: 'if (slot.state !== "free" || slot.retired) return undefined;',
    to: "",
  },
  {
    name: "slot: what nobody needs is ended",
    file: VISITS,
    from: "await looked(services, slot, after(now, CAPACITY.cancelStep));\n  await services.builds.cancel(slot.build);",
    to: "await looked(services, slot, after(now, CAPACITY.cancelStep));",
  },
  {
    name: "slot: NOT_FOUND is not believed",
    file: VISITS,
    from: "if (build === undefined && !isPast(slot, now)) {",
    to: 'if (build === undefined && slot.id === "") {',
  },
  {
    name: "sweep: slots",
    file: VISITS,
    from: "if (slot.build === null) return visitBuildless(services, slot, { now, lists });",
    to: "if (slot !== undefined) return;",
  },
  {
    name: "run: NOT_FOUND is not believed",
    file: ATTEMPT,
    from: "if (build !== undefined || read.isPast) await settleEnded",
    to: "await settleEnded",
  },
  {
    name: "a build is of its attempt, not of one of the same id",
    file: ATTEMPT,
    from: "if (build !== undefined && !isOfAttempt(services, record, build)) {",
    to: "if (build !== undefined && isOfAttempt === undefined) {",
  },
  {
    name: "a second build decides nothing for the first",
    file: ATTEMPT,
    from: "const isOther = own !== null && own.name !== ref.name;",
    to: 'const isOther = own !== null && own.name === "";',
  },
  {
    name: "what was ended from outside stays ended",
    file: OUTCOME,
    from: 'return verdict.outcome === "terminated" && isEnded ?',
    to: 'return verdict.outcome === "succeeded" && isEnded ?',
  },
  {
    name: "a sealed claim is a lost submission",
    file: "functions/attempts/attempt-outcome.ts",
    from: "return verdictOnSecrets(build, secrets.howToAdd) ?? verdictWithoutClaim(build);",
    to: 'return verdictWithoutClaim === undefined ? verdictWithoutClaim(build) : { outcome: build?.status === "SUCCESS" ? "artifact_missing" : "build_lost", message: "", deniedTools: [], ...verdictOnSecrets(build, secrets.howToAdd) };',
  },
  {
    name: "an outage costs no submission",
    file: "shared/capacity/target.ts",
    from: "if (unknowns < CAPACITY.unknowns) return",
    to: "if (unknowns < 1000) return",
  },
  {
    name: "own write: recognised when it is read again",
    file: "functions/cloud/firestore/run-store.ts",
    from: "if (own.made && read.record.state.commits.includes(own.token)) {",
    to: 'if (own.made && own.token === "") {',
  },
  {
    name: "sweep: every shard",
    file: "shared/shard.ts",
    from: "Array.from({ length: SHARDS }, (_, n) => n);",
    to: "Array.from({ length: SHARDS - 1 }, (_, n) => n);",
  },
  {
    name: "sweep: what has no shard",
    file: "functions/cloud/firestore/due.ts",
    from: 'document.get("shard") === undefined;',
    to: 'document.get("shard") === null;',
  },
  {
    name: "delete: not while a build of the run lives",
    file: "functions/api/runs/delete-run.ts",
    from: "return live.length > 0 ||",
    to: "return live.length < 0 &&",
  },
];
