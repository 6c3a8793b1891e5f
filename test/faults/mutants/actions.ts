import type { Mutant } from "./mutant.ts";

const ATTEMPT = "functions/attempts/settle-attempt.ts";
const SWEEP = "functions/attempts/sweep.ts";
const STATUS = "functions/attempts/record-build-status.ts";
const STORE = "functions/cloud/firestore/run-store.ts";
const DOCUMENTS = "functions/cloud/firestore/run-documents.ts";
const TURNS = "functions/cloud/firestore/conversation-store.ts";
const OBJECTS = "functions/cloud/storage/artifacts.ts";

/** Guards of what acts: handlers, stores, the runner. */
export const ACTIONS: readonly Mutant[] = [
  {
    name: "a live build is not settled",
    file: ATTEMPT,
    from: "if (build !== undefined && !isOver(build.status)) {",
    to: "if (build === undefined) {",
  },
  {
    name: "seal: before an ended attempt is settled",
    file: ATTEMPT,
    from: ': await artifacts.sealClaim(pathsOf(record), "the build is over");',
    to: ': ((await artifacts.claimOf(pathsOf(record))) ?? { by: "seal" as const, cause: "" });',
  },
  {
    name: "usage: who ends is counted",
    file: STORE,
    from: "if (counted) counted.write();",
    to: "",
  },
  {
    name: "claim: whose it is decides",
    file: ATTEMPT,
    from: 'if (claim.by === "build" && claim.buildId !== ref.id) {',
    to: 'if (claim.by === "build" && claim.buildId === "") {',
  },
  {
    // Either of the two keeps a late build's agent from starting: it looks for the marker after its
    // claim.
    name: "seal and marker: before a cancel ends an attempt",
    file: ATTEMPT,
    from: 'await services.artifacts.markCancel(paths);\n  const claim = await services.artifacts.sealClaim(paths, "cancelled");',
    to: 'const claim = (await services.artifacts.claimOf(paths)) ?? { by: "seal" as const, cause: "" };',
  },
  {
    name: "cancel: who has the claim is seen to the end",
    file: ATTEMPT,
    from: '  if (claim.by === "build") {\n    await adopt(services, record, claimantOf(services, record, claim));\n    return;\n  }\n  const message = "Cancelled before',
    to: '  const message = "Cancelled before',
  },
  {
    name: "seal: before a lost submission is given up",
    file: SWEEP,
    from: 'const claim = await services.artifacts.sealClaim(pathsOf(record), "the lease is over");',
    to: 'const claim = (await services.artifacts.claimOf(pathsOf(record))) ?? { by: "seal" as const, cause: "" };',
  },
  {
    name: "lost submission: who has the claim goes on",
    file: SWEEP,
    from: '  if (claim.by === "build") {\n    await adopt(services, record, claimantOf(services, record, claim));\n    return;\n  }\n  const message = "It is not known',
    to: '  const message = "It is not known',
  },
  {
    name: "sweep: pending",
    file: SWEEP,
    from: "return visitPending(services, record);",
    to: "return visitPending === undefined ? undefined : Promise.resolve();",
  },
  {
    name: "sweep: submitting",
    file: SWEEP,
    from: "return visitSubmitting(services, record);",
    to: "return visitSubmitting === undefined ? undefined : Promise.resolve();",
  },
  {
    name: "sweep: cancelling",
    file: SWEEP,
    from: "return visitCancelling(services, read);",
    to: "return visitCancelling === undefined ? undefined : Promise.resolve();",
  },
  {
    name: "sweep: queued and running",
    file: SWEEP,
    from: "return visitBuild(services, read);",
    to: "return visitBuild === undefined ? undefined : Promise.resolve();",
  },
  {
    name: "messages of attempts that were left",
    file: STATUS,
    from: "const isCurrent = read && target.attempt === read.record.state.attempt && !read.record.run.done;",
    to: "const isCurrent = read !== undefined;",
  },
  {
    name: "fence: what a transaction reads is its own",
    file: DOCUMENTS,
    from: "return runOf(await transaction.getAll(documents.run(id), documents.state(id)));",
    to: "const { firestore } = documents.run(id);\n  await transaction.get(firestore.doc(`x/${id}`));\n  return runOf(await firestore.getAll(documents.run(id), documents.state(id)));",
  },
  {
    name: "accept: a run that is there is not written over",
    file: STORE,
    from: "batch.create(document, data));\n    const { conversation } = accepted;\n    batch.create(",
    to: "batch.set(document, data));\n    const { conversation } = accepted;\n    batch.set(",
  },
  {
    name: "end: the next turn is woken with it",
    file: STORE,
    from: "const hasEnded = transition.record.run.done && !read.record.run.done;",
    to: "const hasEnded = transition.record.run.done && read.record.run.done;",
  },
  {
    name: "turn: the one of a key is found again",
    file: TURNS,
    from: "if (existing !== undefined) return existing.record;",
    to: "",
  },
  {
    name: "key: it names the run",
    file: "functions/api/accept/accept-order.ts",
    from: "id: runId(key === undefined ? random(16) : idBytes(request, owner, key)),",
    to: "id: runId(key === undefined || idBytes === undefined ? random(16) : random(16)),",
  },
  {
    name: "delete: not before the end",
    file: "functions/api/runs/delete-run.ts",
    from: "if (!record.run.done) {",
    to: "if (!record) {",
  },
  {
    name: "objects: created once",
    file: OBJECTS,
    from: "const preconditionOpts = { ifGenerationMatch: 0 };",
    to: "const preconditionOpts = {};",
  },
  {
    name: "objects: the second reads what the first has written",
    file: OBJECTS,
    from: "if (codeOf(error) !== PRECONDITION_FAILED) throw error;",
    to: "throw error;",
  },
  {
    name: "seal: the claim that counts is read",
    file: OBJECTS,
    from: "const claim = await this.claimOf(paths);",
    to: 'const claim: Claim | undefined = { by: "seal", cause };',
  },
  {
    name: "read: whole or not at all",
    file: OBJECTS,
    from: "if (bytes.length === sizeBytes) return { bytes, generation };",
    to: "if (bytes.length <= sizeBytes) return { bytes, generation };",
  },
  {
    name: "digest: the result is what was uploaded",
    file: OBJECTS,
    from: "return sha256(content.bytes) === output.sha256",
    to: "return sha256(content.bytes) !== output.object",
  },
  {
    name: "runner: no agent without the claim",
    file: "infra/agent/attempt/claim.ts",
    from: 'if (found.by === "seal") return `a seal (${found.cause})`;',
    to: "return undefined;",
  },
  {
    name: "runner: a claim of its own is recognised",
    file: "infra/agent/attempt/claim.ts",
    from: "if (found.buildId === buildId && found.runner === claim.runner) return undefined;",
    to: "",
  },
  {
    name: "runner: a claim is created once",
    file: "infra/agent/attempt/objects.ts",
    from: "const ONCE = { preconditionOpts: { ifGenerationMatch: 0 } } as const;",
    to: "const ONCE = { preconditionOpts: {} } as const;",
  },
];
